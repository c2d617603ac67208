import type * as z from 'zod';
import { generic, genericOptions } from './generic.js';
import { github, githubOptions } from './github.js';

/** Who can send, by the name that an endpoint says as its `provider`. Each is one file: its options, and what makes it. */
export const providers = {
  generic: { options: genericOptions, create: generic },
  github: { options: githubOptions, create: github },
} as const;

export type ProviderName = keyof typeof providers;

export type ProviderOptionsInput<Name extends ProviderName> = z.input<(typeof providers)[Name]['options']>;
