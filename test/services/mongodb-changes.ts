import { type Binary, Long, Timestamp, UUID } from 'mongodb';
import { type Command, WireServer } from './mongodb-wire.js';

type Document = Record<string, unknown>;

interface Logged extends Document {
  readonly _id: { readonly _data: string };
  readonly operationType: string;
}

interface OpenCursor {
  /** The number of the change that comes next. */
  at: number;
  readonly isSplit: boolean;
  readonly collection: string | 1;
}

interface Fault {
  /** Absent: whichever comes. */
  readonly command?: string;
  /** So many commands are answered before. */
  readonly after?: number;
  /** So do all after it. */
  readonly isForGood?: boolean;
  /** It is not answered. */
  readonly hangs?: boolean;
  /** The connection is cut in the place of an answer. */
  readonly cut?: boolean;
  readonly error?: { readonly code: number; readonly errmsg: string; readonly errorLabels?: readonly string[] };
}

/** Seconds since the epoch, of the change before the first. */
const EPOCH = 1_767_225_600;
const DATABASE = 'shop';

/**
 * A replica set of one member that has documents and a history of their changes, and tells it by change streams. Written
 * from what MongoDB documents of them; it looks at no pipeline besides `$changeStream`.
 *
 * @see https://www.mongodb.com/docs/manual/changeStreams/
 * @see https://github.com/mongodb/specifications/blob/master/source/change-streams/change-streams.md
 */
export class MongodbChangesServer {
  /** Every command that came, besides greetings. */
  readonly commands: Command[] = [];
  /** Changes before this one are forgotten. */
  firstKept = 0;
  /** Whether it is a member of a replica set. */
  isAlone = false;
  readonly #wire: WireServer;
  readonly #log: Logged[] = [];
  readonly #documents = new Map<string, Document>();
  readonly #cursors = new Map<string, OpenCursor>();
  readonly #waiting = new Set<() => void>();
  #faults: Fault[] = [];
  #cursorCount = 0;

  static async start(): Promise<MongodbChangesServer> {
    let server: MongodbChangesServer | undefined;
    const wire = await WireServer.start((command) => server?.answer(command));
    server = new MongodbChangesServer(wire);
    return server;
  }

  private constructor(wire: WireServer) {
    this.#wire = wire;
  }

  get url(): string {
    return `mongodb://127.0.0.1:${this.#wire.port}/?directConnection=true&retryReads=false`;
  }

  /** With a user, whom it believes. */
  urlWith(password: string): string {
    return this.url
      .replace('mongodb://', `mongodb://reader:${password}@`)
      .concat('&authMechanism=PLAIN&authSource=%24external');
  }

  get connections(): number {
    return this.#wire.connections;
  }

  /** Cursors that are open. */
  get cursors(): number {
    return this.#cursors.size;
  }

  /** How often a command came. */
  count(name: string): number {
    return this.commands.filter((command) => Object.keys(command)[0] === name).length;
  }

  /** The pipelines of the streams that were opened. */
  get pipelines(): readonly Document[][] {
    return this.commands.filter((command) => 'aggregate' in command).map(({ pipeline }) => pipeline as Document[]);
  }

  insert(id: unknown, fields: Document = {}, more: Document = {}): void {
    const document = { _id: id, ...fields };
    this.#documents.set(JSON.stringify(id), document);
    this.#write('insert', { documentKey: { _id: id }, fullDocument: document, ...more });
  }

  update(id: unknown, fields: Document): void {
    const document = { ...this.#documents.get(JSON.stringify(id)), ...fields };
    this.#documents.set(JSON.stringify(id), document);
    const updateDescription = { updatedFields: fields, removedFields: [], truncatedArrays: [] };
    this.#write('update', { documentKey: { _id: id }, fullDocument: document, updateDescription });
  }

  delete(id: unknown): void {
    this.#documents.delete(JSON.stringify(id));
    this.#write('delete', { documentKey: { _id: id } });
  }

  /** Documents that were written together. */
  inTransaction(ids: readonly unknown[]): void {
    const lsid = { id: new UUID('00000000-0000-4000-8000-000000000001') as Binary };
    for (const id of ids) this.insert(id, {}, { lsid, txnNumber: Long.fromNumber(7) });
  }

  /** The collection is gone, and with it the streams that are about it alone. */
  drop(): void {
    this.#documents.clear();
    this.#write('drop', {});
    this.#write('invalidate', { ns: undefined });
  }

  rename(to: string): void {
    this.#write('rename', { to: { db: DATABASE, coll: to } });
    this.#write('invalidate', { ns: undefined });
  }

  /** A command goes wrong, once unless it is for good. */
  fail(fault: Fault): void {
    this.#faults.push(fault);
  }

  /** Nothing of what was is known any more. */
  forget(): void {
    this.firstKept = this.#log.length;
  }

  cut(): void {
    this.#wire.cut();
  }

  async close(): Promise<void> {
    for (const wake of this.#waiting) wake();
    await this.#wire.close();
  }

  async answer(command: Command): Promise<Command | undefined> {
    const [name = ''] = Object.keys(command);
    if (['hello', 'ismaster', 'isMaster'].includes(name)) return this.#hello();
    this.commands.push(command);
    const fault = this.#faultFor(name);
    if (fault?.hangs === true) return new Promise(() => {});
    if (fault?.cut === true) return undefined;
    if (fault?.error !== undefined) return { ok: 0, ...fault.error };
    const answered = await this.#answerTo(name, command);
    return { ...answered, operationTime: this.#time(this.#log.length), ok: answered['ok'] ?? 1 };
  }

  #faultFor(name: string): Fault | undefined {
    const fault = this.#faults.find(({ command = name }) => command === name);
    if (fault === undefined) return undefined;
    const rest = this.#faults.filter((each) => each !== fault);
    const { after = 0 } = fault;
    if (after > 0) this.#faults = [{ ...fault, after: after - 1 }, ...rest];
    else if (fault.isForGood !== true) this.#faults = rest;
    return after > 0 ? undefined : fault;
  }

  #hello(): Command {
    const address = `127.0.0.1:${this.#wire.port}`;
    return {
      ok: 1,
      helloOk: true,
      isWritablePrimary: true,
      ismaster: true,
      ...(!this.isAlone && { setName: 'rs0', hosts: [address], primary: address, me: address, setVersion: 1 }),
      maxBsonObjectSize: 16_777_216,
      maxMessageSizeBytes: 48_000_000,
      maxWriteBatchSize: 100_000,
      localTime: new Date(),
      minWireVersion: 0,
      maxWireVersion: 21,
      logicalSessionTimeoutMinutes: 30,
    };
  }

  async #answerTo(name: string, command: Command): Promise<Command> {
    switch (name) {
      case 'aggregate':
        return this.#open(command);
      case 'getMore':
        return this.#more(command);
      case 'killCursors':
        for (const id of command['cursors'] as unknown[]) this.#cursors.delete(String(id));
        return {};
      case 'find':
        return this.#find(command);
      default:
        return {};
    }
  }

  #find({ filter, sort, limit }: Command): Command {
    const [{ _id: { $gt: after = Number.NEGATIVE_INFINITY } = {} } = {}] = (
      ((filter as Document)?.['$and'] ?? []) as { _id?: { $gt?: number } }[]
    ).slice(-1);
    const direction = (sort as Document)?.['_id'] === -1 ? -1 : 1;
    const all = [...this.#documents.values()].filter(({ _id }) => Number(_id) > Number(after));
    all.sort((one, other) => direction * (Number(one['_id']) - Number(other['_id'])));
    const firstBatch = all.slice(0, Number(limit));
    return { cursor: { id: Long.ZERO, ns: `${DATABASE}.orders`, firstBatch } };
  }

  #open({ pipeline, aggregate }: Command): Command {
    const [{ $changeStream }, ...stages] = pipeline as [{ $changeStream: Document }, ...Document[]];
    if (this.isAlone) {
      return { ok: 0, code: 40_573, errmsg: 'The $changeStream stage is only supported on replica sets' };
    }
    const from = this.#start($changeStream);
    if (typeof from !== 'number') return from;
    this.#cursorCount += 1;
    const isSplit = stages.some((stage) => '$changeStreamSplitLargeEvent' in stage);
    const cursor: OpenCursor = { at: from, isSplit, collection: aggregate as string | 1 };
    this.#cursors.set(String(this.#cursorCount), cursor);
    return this.#batch(this.#cursorCount, cursor, 'firstBatch', 0);
  }

  #start({ resumeAfter, startAfter, startAtOperationTime }: Document): number | Command {
    const token = (startAfter ?? resumeAfter) as Logged['_id'] | undefined;
    if (token === undefined) {
      const time = startAtOperationTime as Timestamp | undefined;
      const from =
        time === undefined
          ? this.#log.length
          : Math.max(0, time.getHighBitsUnsigned() - EPOCH - (time.getLowBitsUnsigned() > 1 ? 0 : 1));
      return from < this.firstKept ? lost() : from;
    }
    const number = Number.parseInt(token._data, 16);
    if (number < this.firstKept) return lost();
    if (resumeAfter !== undefined && this.#log[number - 1]?.operationType === 'invalidate') {
      return { ok: 0, code: 260, errmsg: 'the resume token is that of an invalidate event' };
    }
    return number;
  }

  async #more({ getMore, batchSize, maxTimeMS }: Command): Promise<Command> {
    const cursor = this.#cursors.get(String(getMore));
    if (cursor === undefined)
      return { ok: 0, code: 43, errmsg: 'cursor not found', errorLabels: ['ResumableChangeStreamError'] };
    if (cursor.at < this.firstKept) return lost();
    if (cursor.at >= this.#log.length) await this.#change(Number(maxTimeMS ?? 1_000));
    return this.#batch(Number(getMore), cursor, 'nextBatch', Number(batchSize ?? 101));
  }

  #batch(id: number, cursor: OpenCursor, name: string, size: number): Command {
    const changes = this.#log.slice(cursor.at, cursor.at + size);
    const ending = changes.findIndex(({ operationType }) => operationType === 'invalidate');
    const given = ending < 0 || cursor.collection === 1 ? changes : changes.slice(0, ending + 1);
    cursor.at += given.length;
    const isOver = ending >= 0 && cursor.collection !== 1;
    if (isOver) this.#cursors.delete(String(id));
    const sent = cursor.isSplit ? given.flatMap(split) : given;
    return {
      cursor: {
        id: isOver ? Long.ZERO : Long.fromNumber(id),
        ns: `${DATABASE}.orders`,
        [name]: sent,
        postBatchResumeToken: tokenOf(cursor.at),
      },
    };
  }

  /** Until something is written, or so long. */
  async #change(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        resolve();
      };
      const timer = setTimeout(wake, milliseconds);
      this.#waiting.add(wake);
    });
  }

  #write(operationType: string, fields: Document): void {
    const number = this.#log.length + 1;
    this.#log.push({
      _id: tokenOf(number),
      operationType,
      clusterTime: this.#time(number),
      wallTime: new Date((EPOCH + number) * 1_000),
      ns: { db: DATABASE, coll: 'orders' },
      ...fields,
    });
    for (const wake of this.#waiting) wake();
  }

  #time(number: number): Timestamp {
    return new Timestamp({ t: EPOCH + number, i: 1 });
  }
}

function tokenOf(number: number): { _data: string } {
  return { _data: number.toString(16).padStart(8, '0') };
}

function lost(): Command {
  return {
    ok: 0,
    code: 286,
    errmsg: 'Resume of change stream was not possible, as the resume point may no longer be in the oplog.',
    errorLabels: ['NonResumableChangeStreamError'],
  };
}

/** In two parts, as a server does with what is too large: each with a token of its own. */
function split(change: Logged): Document[] {
  const { fullDocument, ...rest } = change;
  if (fullDocument === undefined) return [change];
  const parts: Document[] = [rest, { fullDocument }];
  return parts.map((part, at) => ({
    ...part,
    _id: at === 1 ? change._id : { _data: `${change._id._data}-1` },
    splitEvent: { fragment: at + 1, of: 2 },
  }));
}
