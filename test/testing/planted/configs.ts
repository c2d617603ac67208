import { parseConfig, Secret } from 'headwater';
import { z } from 'zod';
import type { Planted } from './planted.js';
import { type Config, type Options, Orders } from './right.js';

class TakesAnyConfig extends Orders {
  static override async create(options: Options): Promise<Orders> {
    const { token } = options.credentials as { token: string };
    const { credentials: _, ...rest } = options;
    const given = { pageSize: 3, ...(options.config as object) } as Config;
    return new TakesAnyConfig({ ...rest, config: given }, new Secret(token));
  }
}

/** Schemas drop what they do not know, unless told. */
class DropsUnknownKeys extends Orders {
  static override async create(options: Options): Promise<Orders> {
    const given = z.object({ shop: z.string(), pageSize: z.number().default(3) }).safeParse(options.config);
    return super.create({ ...options, config: given.success ? given.data : options.config });
  }
}

class TakesNoCredentials extends Orders {
  static override async create(options: Options): Promise<Orders> {
    const { token = '' } = (options.credentials ?? {}) as { token?: string };
    const { credentials: _, ...rest } = options;
    const { config } = Orders.definition as { config: Parameters<typeof parseConfig>[0] };
    return new TakesNoCredentials(
      { ...rest, config: (await parseConfig(config, options)) as Config },
      new Secret(token),
    );
  }
}

export const configs: readonly Planted[] = [
  {
    mistake: 'takes any configuration',
    source: TakesAnyConfig,
    fails: {
      'a configuration without one of its required keys is refused, and the key is named':
        /a source was made without "shop"/s,
    },
  },
  {
    mistake: 'drops what it does not know',
    source: DropsUnknownKeys,
    fails: {
      'a key that is misspelt is refused, and named': /a source was made with "nonsensex"/s,
    },
  },
  {
    mistake: 'does without credentials',
    source: TakesNoCredentials,
    fails: {
      'credentials that are not there are refused, each of them': /a source was made without credentials/s,
    },
  },
];
