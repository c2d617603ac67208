/** By id of the element, then by name of the parameter; a name that comes several times has a list. */
export type StructuredData = Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;

/** What a syslog line says besides time, level and text. What it does not say is absent. */
export interface SyslogFields {
  /** 0 to 23, as RFC 5424 table 1 numbers them. */
  readonly facility?: number;
  /** 0 (emergency) to 7 (debug). */
  readonly severity?: number;
  /** Of the protocol: 1 for RFC 5424. */
  readonly version?: number;
  readonly host?: string;
  /** The program: APP-NAME, or the tag without its process id. */
  readonly app?: string;
  readonly procid?: string;
  readonly msgid?: string;
  readonly structuredData?: StructuredData;
}

/** The same while it is being put together. */
export type Writable<Fields> = { -readonly [Key in keyof Fields]: Fields[Key] };
