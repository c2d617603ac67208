import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { RecordingLogger } from 'headwater/testing';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { Bot } from '../../examples/irc-bot/bot.js';
import { formatMessage, parseMessage } from '../../examples/irc-bot/irc-message.js';
import { MOST_BYTES, toLines } from '../../examples/irc-bot/irc-text.js';
import { readSettings } from '../../examples/irc-bot/settings.js';
import { freePort } from '../services/daemon.js';
import { describeWith } from '../services/needs.js';
import { hasNgircd, Listener, Ngircd } from '../services/ngircd.js';
import { startExample } from './run-example.js';

const timeout = 60_000;
const CHANNEL = '#operations';
const HOSTILE = 'x\r\nQUIT :gone\r\n\0\x01ACTION\x01 \x0304red\x02\u202Etxt\u2028PRIVMSG #other :y\ud800';

let work = '';
beforeAll(() => {
  work = mkdtempSync(join(tmpdir(), 'headwater-irc-bot-'));
});
afterAll(() => rmSync(work, { recursive: true, force: true }));

/** A file of settings, which JSON is as well. */
async function settingsOf(given: object, environment: Record<string, string> = {}) {
  const path = join(mkdtempSync(join(work, 'settings-')), 'bot.yaml');
  writeFileSync(path, JSON.stringify(given));
  return await readSettings(path, environment);
}

describe('A10: what is said in a channel', () => {
  const [firstControl, delete_] = [' ', '\x7f'];

  it('has no control character, no more bytes than a line has room for, and no more lines than are wanted', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 2_000 }), fc.integer({ min: 1, max: 4 }), (text, most) => {
        const lines = toLines(text, most);
        expect(lines.length).toBeLessThanOrEqual(most);
        for (const line of lines) {
          expect([...line].some((character) => character < firstControl || character === delete_)).toBe(false);
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(MOST_BYTES);
          expect(line).not.toBe('');
          expect(formatMessage('PRIVMSG', CHANNEL, line).match(/\r\n/g)).toHaveLength(1);
        }
      }),
    );
  });

  it('keeps every word of what has room', () => {
    fc.assert(
      fc.property(fc.array(fc.stringMatching(/^\p{L}{1,12}$/u), { minLength: 1, maxLength: 80 }), (words) => {
        expect(toLines(words.join(' '), 100).join(' ').split(' ')).toEqual(words);
      }),
    );
    expect(toLines('a'.repeat(1_000), 2)).toEqual(['a'.repeat(350), `${'a'.repeat(347)}…`]);
    expect(toLines(' \r\n\t', 3)).toEqual([]);
  });

  it('cannot be a second command, whatever comes as far as the connection', () => {
    expect(() => formatMessage('PRIVMSG', CHANNEL, 'a\r\nQUIT')).toThrow(RangeError);
    expect(() => formatMessage('PRIVMSG', '#a :b', 'c')).toThrow(RangeError);
    expect(parseMessage(':nick!user@host PRIVMSG #a :b :c')).toEqual({
      from: 'nick',
      command: 'PRIVMSG',
      parameters: ['#a', 'b :c'],
    });
    expect(parseMessage('')).toBeUndefined();
  });
});

describe('A10: one YAML file', () => {
  it('of the example is understood; a variable that is not set is named when it is needed', async () => {
    const settings = await readSettings('examples/irc-bot/bot.yaml', {});
    expect(settings.irc).toMatchObject({ channel: CHANNEL, maxLines: 3 });
    const bot = new Bot({ settings: { ...settings, state: join(work, 'state') }, logger: new RecordingLogger() });
    expect(bot.sources.status().map(({ state }) => state)).toContain('disabled');
    await bot.sources.enable('hooks');
    await bot.sources.start('hooks');
    await until(() => bot.sources.status('hooks').state === 'failed');
    expect(bot.sources.status('hooks').error?.message).toMatch(/GITHUB_WEBHOOK_SECRET is not set/);
    await bot.close();
  });

  it('says what is wrong with it, and where', async () => {
    const wrong = { irc: { channel: '#a b' }, sources: [], handlers: [{ say: 'x' }], more: 1 };
    await expect(settingsOf(wrong)).rejects.toMatchObject({
      name: 'ConfigError',
      message: expect.stringMatching(/irc\.channel[\s\S]*handlers/),
    });
    const path = join(work, 'broken.yaml');
    writeFileSync(path, 'irc: {\n  channel');
    await expect(readSettings(path)).rejects.toThrow(/broken\.yaml: .* line 2/);
    writeFileSync(path, 'irc:\n  channel: "#a"\n  password: !env IRC_PASSWORD\n');
    await expect(readSettings(path, {})).rejects.toThrow(/IRC_PASSWORD is not set/);
  });
});

describeWith('ngircd', hasNgircd(), 'a bot in a channel', () => {
  let server: Ngircd;
  let listener: Listener;
  let bot: Bot | undefined;
  let logger: RecordingLogger;
  let webhooks = 0;

  beforeAll(async () => {
    server = await Ngircd.start(work);
  });
  afterAll(() => server.down());
  afterEach(async () => {
    await bot?.close();
    bot = undefined;
    listener.close();
  });

  const webhook = (port: number) => ({
    type: 'webhook',
    id: 'hooks',
    config: { server: { port }, endpoints: { say: { provider: 'generic', auth: { scheme: 'none' } } } },
  });

  const open = async (given: { sources?: object[]; handlers?: object[] }): Promise<Bot> => {
    webhooks = await freePort();
    listener = await Listener.join(server.port, CHANNEL);
    logger = new RecordingLogger();
    const settings = await settingsOf({
      irc: { port: server.port, channel: CHANNEL, pace: { lines: 1_000, perMs: 1 } },
      state: mkdtempSync(join(work, 'state-')),
      sources: [webhook(webhooks)],
      handlers: [{ kind: 'webhook', say: '{data.body.text}' }],
      ...given,
    });
    bot = new Bot({ settings, logger });
    await bot.start();
    await bot.irc.joined();
    await until(() => bot?.sources.status('hooks').state === 'running');
    return bot;
  };

  const post = async (text: string): Promise<number> => {
    const body = JSON.stringify({ text });
    const request = { method: 'POST', headers: { 'content-type': 'application/json' }, body };
    return (await fetch(`http://127.0.0.1:${webhooks}/say`, request)).status;
  };

  it('A10: text that comes with commands in it is said, and commands nothing', { timeout }, async () => {
    const other = await (async () => {
      await open({});
      return await Listener.join(server.port, '#other', 'other');
    })();
    await post(HOSTILE);
    const said = await listener.hears(/^x QUIT/);
    expect(said).toBe('x QUIT :gone ACTION 04red txt PRIVMSG #other :y�');
    await post('still there');
    await listener.hears('still there');
    expect(listener.lines.filter((line) => / QUIT /.test(line) && !/PRIVMSG/.test(line))).toEqual([]);
    expect(other.heard).toEqual([]);
    other.close();
  });

  it('A10: more than a line has room for is cut', { timeout }, async () => {
    await open({});
    await post('long '.repeat(1_000));
    await post('end');
    await listener.hears('end');
    const parts = listener.heard.filter(({ text }) => text.startsWith('long'));
    expect(parts).toHaveLength(3);
    expect(parts.at(-1)?.text).toMatch(/…$/);
  });

  it('A9: handlers by type, kind and source; one that throws hinders none, and its event is put aside', {
    timeout,
  }, async () => {
    const { on, sources } = await open({
      handlers: [
        { on: 'webhook/received', say: 'type: {data.body.text}' },
        { kind: 'webhook', say: 'kind: {data.body.text}' },
        { source: 'hooks', on: 'webhook.*', say: 'source: {data.body.text}' },
        { on: 'github/push', say: 'another' },
        { source: 'else', say: 'another' },
      ],
    }).then((opened) => ({ on: opened.on.bind(opened), sources: opened.sources }));
    on('**', () => {
      throw new TypeError('a mistake of the handler');
    });
    on('webhook.*', () => bot?.irc.say('the last'));
    await post('hello');
    await listener.hears('the last');
    await until(() => sources.status('hooks').report?.deadLettered === 1);
    expect(listener.heard.map(({ text }) => text)).toEqual(['type: hello', 'kind: hello', 'source: hello', 'the last']);
    expect(logger.lines.some(({ message }) => message === 'a handler failed')).toBe(true);
    expect(sources.status('hooks').state).toBe('running');
  });

  it('A8: one source that fails does not stop the others; each is enabled, disabled, and asked how it does', {
    timeout,
  }, async () => {
    const dead = await freePort();
    const folder = mkdtempSync(join(work, 'files-'));
    const { sources } = await open({
      sources: [
        webhook(await freePort()),
        { type: 'redis', id: 'away', config: { mode: 'channels', channels: ['x'], url: `redis://127.0.0.1:${dead}` } },
        { type: 'filesystem', id: 'typo', config: { dir: folder, inclde: [] } },
        { type: 'filesystem', id: 'files', enabled: false, config: { dir: folder, stableForMs: 0, parse: 'text' } },
      ],
      handlers: [{ kind: 'filesystem', say: 'file {data.path}' }],
    });
    await until(() => sources.status('typo').state === 'failed');
    expect(sources.status('typo').error?.message).toMatch(/inclde/);
    writeFileSync(join(folder, 'one.txt'), 'one');
    expect(sources.status('files').state).toBe('disabled');
    await sources.enable('files');
    await listener.hears('file one.txt');
    await sources.disable('files');
    writeFileSync(join(folder, 'two.txt'), 'two');
    listener.say('!status');
    await listener.hears(/^files: disabled, 1 events$/);
    await listener.hears(/^hooks: running, 0 events$/);
    await listener.hears(/^typo: failed, 0 events: .*inclde/);
    expect(sources.status('away').state).not.toBe('completed');
    await sources.enable('files');
    await listener.hears('file two.txt');
    expect(listener.heard.filter(({ text }) => text === 'file one.txt')).toHaveLength(1);
  });

  it('A8: frees its ports and files when it is closed', { timeout }, async () => {
    const opened = await open({});
    await post('hello');
    await listener.hears('hello');
    await opened.close();
    const taken = createServer().listen(webhooks, '127.0.0.1');
    await new Promise((resolve, reject) => taken.once('listening', resolve).once('error', reject));
    await new Promise((resolve) => taken.close(resolve));
    await until(() => listener.lines.some((line) => /^:headwater!\S+ QUIT/.test(line)));
  });

  it('nothing is lost when the server goes away: it is said when it is back', { timeout }, async () => {
    const own = await Ngircd.start(work);
    const folder = mkdtempSync(join(work, 'files-'));
    const opened = await open({});
    await opened.close();
    listener.close();
    listener = await Listener.join(own.port, CHANNEL);
    const settings = await settingsOf({
      irc: { port: own.port, channel: CHANNEL, pace: { lines: 1_000, perMs: 1 } },
      state: mkdtempSync(join(work, 'state-')),
      sources: [{ type: 'filesystem', id: 'files', config: { dir: folder, stableForMs: 0, parse: 'text' } }],
      handlers: [{ on: 'file.created', say: 'file {data.path}' }],
    });
    bot = new Bot({ settings, logger: new RecordingLogger() });
    await bot.start();
    for (let count = 0; count < 50; count += 1) writeFileSync(join(folder, `${count}.txt`), `${count}`);
    await listener.hears(/^file/);
    await own.down();
    for (let count = 50; count < 100; count += 1) writeFileSync(join(folder, `${count}.txt`), `${count}`);
    const before = listener.heard;
    await own.up();
    listener.close();
    listener = await Listener.join(own.port, CHANNEL);
    const all = (): Set<string> => new Set([...before, ...listener.heard].map(({ text }) => text));
    await until(() => all().size === 100, timeout);
    await bot.close();
    await own.down();
  });

  it('is called otherwise where its nick is taken, gives a password, and is told when that is wrong', {
    timeout,
  }, async () => {
    await open({});
    const locked = await Ngircd.start(work, { password: 'open-sesame' });
    const taken = await Listener.join(locked.port, CHANNEL, 'headwater', 'open-sesame');
    const given = (password: string) => ({
      irc: { port: locked.port, channel: CHANNEL, password },
      state: mkdtempSync(join(work, 'state-')),
      sources: [webhook(webhooks)],
      handlers: [{ kind: 'webhook', say: '{data.body.text}' }],
    });
    const warned = new RecordingLogger();
    const stranger = new Bot({ settings: await settingsOf(given('wrong')), logger: warned });
    stranger.irc.start();
    await until(() => warned.lines.some(({ message }) => message === 'not in the channel'));
    expect(JSON.stringify(warned.lines)).not.toContain('wrong');
    await stranger.close();
    const friend = new Bot({ settings: await settingsOf(given('open-sesame')), logger: warned });
    friend.irc.start();
    await friend.irc.say('hello');
    await taken.until(() => taken.heard.some(({ from }) => /^headwate\d|^headwat\d/.test(from)));
    await friend.close();
    taken.close();
    await locked.down();
  });

  it('A10: is started by one command with one file, killed, and goes on where it was', { timeout }, async () => {
    await open({});
    const folder = mkdtempSync(join(work, 'run-'));
    const port = await freePort();
    const file = join(folder, 'bot.yaml');
    writeFileSync(
      file,
      `irc: { port: ${server.port}, nick: process, channel: '${CHANNEL}', pace: { lines: 1000, perMs: 1 } }
state: state
credentials:
  hooks: { github: !env GITHUB_WEBHOOK_SECRET }
sources:
  - type: log
    id: app
    config: { files: app.log }
  - type: webhook
    id: net
    credentials: { ref: hooks }
    config: { server: { port: ${port} }, endpoints: { github: { provider: github } } }
handlers:
  - { kind: log, say: 'log {data.line}' }
`,
    );
    const log = join(folder, 'app.log');
    writeFileSync(log, 'one\n');
    const environment = { GITHUB_WEBHOOK_SECRET: 'a secret' };
    const start = () => startExample('irc-bot', folder, [file], environment);
    const first = start();
    await listener.hears('log one');
    first.child.kill('SIGKILL');
    await first.ended;
    writeFileSync(log, 'two\n', { flag: 'a' });
    const second = start();
    await listener.hears('log two');
    await until(() => connects(port));
    second.child.kill('SIGTERM');
    expect((await second.ended).status).toBe(0);
    expect(new Set(listener.heard.map(({ text }) => text))).toEqual(new Set(['log one', 'log two']));
    listener.heard.length = 0;
    writeFileSync(log, 'three\n', { flag: 'a' });
    const third = start();
    await listener.hears('log three');
    third.child.kill('SIGTERM');
    await third.ended;
    expect(listener.heard.map(({ text }) => text)).toEqual(['log three']);
  });
});

function connects(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createConnection({ host: '127.0.0.1', port });
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

async function until(isTrue: () => boolean | Promise<boolean>, patienceMs = 20_000): Promise<void> {
  const late = performance.now() + patienceMs;
  while (!(await isTrue())) {
    if (performance.now() > late) throw new Error(`in vain: ${isTrue}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}
