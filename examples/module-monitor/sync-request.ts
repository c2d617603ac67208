import * as z from 'zod';

const module = z.strictObject({
  name: z.string().regex(/^[A-Za-z][\w.-]{0,99}$/, 'expected a name such as "webform"'),
  type: z.string().regex(/^[a-z][a-z_-]{0,31}$/, 'expected a type such as "module" or "theme"'),
  version: z.string().regex(/^\d[\w.+~-]{0,63}$/, 'expected a version such as "3.2.1" or "8.x-1.4"'),
  enabled: z.boolean().default(true),
});

/** What a site sends. */
export const syncRequest = z.strictObject({
  /** 'full': modules that are not named were removed. 'partial': nothing is said of them. */
  mode: z.enum(['full', 'partial']),
  site: z.strictObject({
    url: z.url({ protocol: /^https?$/ }).max(500),
    platform: z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'expected a platform such as "drupal"'),
    platformVersion: z.string().regex(/^\d[\w.+~-]{0,63}$/, 'expected a version such as "10.3.1"'),
  }),
  modules: z.array(module).min(1).max(2_000).superRefine(refuseTwice),
});

export type Module = z.output<typeof module>;
export type SyncRequest = z.output<typeof syncRequest>;

function refuseTwice(modules: readonly Module[], context: z.RefinementCtx): void {
  const seen = new Set<string>();
  for (const [index, { name }] of modules.entries()) {
    if (seen.has(name))
      context.addIssue({ code: 'custom', path: [index, 'name'], message: `"${name}" is there twice` });
    seen.add(name);
  }
}
