import { accessLog } from './access-log.js';
import { auto } from './auto.js';
import type { LineFormatConfig } from './config.js';
import { type JsonLineOptions, json } from './json.js';
import type { LineFormat } from './line-format.js';
import { logfmt } from './logfmt.js';
import { patternFormat } from './pattern.js';
import { createSyslogFormat } from './syslog.js';
import { text } from './text.js';

interface NamedFormat extends JsonLineOptions {
  readonly format: Extract<LineFormatConfig, string>;
}

/** @throws ConfigError (INVALID_PATTERN, MISSING_PEER) */
export async function createLineFormat(config: LineFormatConfig): Promise<LineFormat> {
  if (typeof config === 'string') return namedFormat({ format: config });
  return 'pattern' in config ? patternFormat(config) : namedFormat(config);
}

function namedFormat(options: NamedFormat): LineFormat {
  switch (options.format) {
    case 'auto':
      return auto({ json: json(options), syslog: createSyslogFormat(options), text: text(options) });
    case 'text':
      return text(options);
    case 'json':
      return json(options);
    case 'logfmt':
      return logfmt(options);
    case 'syslog':
      return createSyslogFormat(options);
    case 'common':
    case 'combined':
    case 'nginx':
      return accessLog(options.format);
  }
}
