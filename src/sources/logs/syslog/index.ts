export type { LineParseError } from '../format/line-format.js';
export type { StructuredData, SyslogFields } from '../format/syslog-fields.js';
export type { SyslogConfig, SyslogConfigInput } from './config.js';
export type { SyslogEvent, SyslogMessage, SyslogProblem, SyslogSender, SyslogTransport } from './events.js';
export type { SyslogAddress } from './receiver.js';
export { SyslogSource } from './source.js';
