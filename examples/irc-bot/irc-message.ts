/** A line of IRC: `:prefix COMMAND parameter … :the last one, with spaces` (RFC 2812, 2.3.1). */
export interface IrcMessage {
  /** Whose it is: the nick of a user, or the name of a server. */
  readonly from: string;
  readonly command: string;
  readonly parameters: readonly string[];
}

const LINE = /^(?:@\S+ +)?(?::(?<from>[^ !]+)\S* +)?(?<command>[A-Za-z]+|\d{3})(?<rest>.*)$/;

/** `undefined` for what is no line of IRC. */
export function parseMessage(line: string): IrcMessage | undefined {
  const { from = '', command, rest = '' } = LINE.exec(line)?.groups ?? {};
  if (command === undefined) return undefined;
  const at = rest.indexOf(' :');
  const middle = at < 0 ? rest : rest.slice(0, at);
  const parameters = middle.split(' ').filter((word) => word !== '');
  if (at >= 0) parameters.push(rest.slice(at + 2));
  return { from, command: command.toUpperCase(), parameters };
}

/** @throws RangeError for what would not be one line: whatever comes this far, it cannot become a second command */
export function formatMessage(command: string, ...parameters: readonly string[]): string {
  const words = [command, ...parameters.slice(0, -1)];
  const last = parameters.at(-1);
  if (words.some((word) => !/^[^\s:]\S*$/.test(word))) throw new RangeError(`no word of a command: ${words.join(' ')}`);
  const line = last === undefined ? words.join(' ') : `${words.join(' ')} :${last}`;
  if (/[\r\n\0]/.test(line)) throw new RangeError(`a ${command} with a line end in it`);
  return `${line}\r\n`;
}
