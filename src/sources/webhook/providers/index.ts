import type * as z from 'zod';
import { generic, genericOptions } from './generic.js';
import { github, githubOptions } from './github.js';

/** Who can send, by the name that an endpoint says as its `provider`. Each is one file: its options, and what makes it. */
export const providers = {
  generic: { options: genericOptions, create: generic },
  github: { options: githubOptions, create: github },
} as const;

export type ProviderName = keyof typeof providers;

type Options<Name extends ProviderName> = (typeof providers)[Name]['options'];

/** What an endpoint may say besides. Only the keys: an object without any would be one of no keys at all. */
export type ProviderOptionsInput<Name extends ProviderName> = Pick<
  z.input<Options<Name>>,
  keyof Options<Name>['shape'] & keyof z.input<Options<Name>>
>;
