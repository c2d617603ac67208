import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { jenkins, jenkinsOptions, readNotification } from '../../../../src/sources/webhook/providers/jenkins.js';
import { request, unread } from './request.js';

const JSON_TYPE = { 'content-type': 'application/json;charset=UTF-8' };
const XML_TYPE = { 'content-type': 'application/xml;charset=UTF-8' };

function notification(build: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    name: 'app',
    display_name: 'app',
    url: 'job/app/',
    build: {
      full_url: 'https://ci.example/job/app/18/',
      number: 18,
      queue_id: 741,
      timestamp: 1_767_322_800_123,
      duration: 0,
      phase: 'COMPLETED',
      status: 'SUCCESS',
      url: 'job/app/18/',
      scm: {
        url: 'https://git.example/app.git',
        branch: 'origin/main',
        commit: 'c6d86dc6',
        changes: ['a.txt'],
        culprits: [],
      },
      parameters: { branch: 'main', empty: '' },
      log: 'one\ntwo\n',
      notes: 'a < b',
      artifacts: { 'app.jar': { archive: 'https://ci.example/job/app/18/artifact/app.jar', s3: 'https://s3/app.jar' } },
      test_summary: { total: 3, failed: 1, passed: 1, skipped: 1, failed_tests: ['a.B.c'] },
      ...build,
    },
  };
}

/** The same as XStream writes it. */
const AS_XML = `<com.tikal.hudson.plugins.notification.model.JobState>
  <name>app</name>
  <displayName>app</displayName>
  <url>job/app/</url>
  <build>
    <fullUrl>https://ci.example/job/app/18/</fullUrl>
    <number>18</number>
    <queueId>741</queueId>
    <timestamp>1767322800123</timestamp>
    <duration>0</duration>
    <phase>COMPLETED</phase>
    <status>SUCCESS</status>
    <url>job/app/18/</url>
    <scm>
      <url>https://git.example/app.git</url>
      <branch>origin/main</branch>
      <commit>c6d86dc6</commit>
      <changes><string>a.txt</string></changes>
      <culprits/>
    </scm>
    <parameters class="hudson.EnvVars">
      <entry><string>branch</string><string>main</string></entry>
      <entry><string>empty</string><string></string></entry>
    </parameters>
    <log>one
two
</log>
    <notes>a &lt; b</notes>
    <artifacts>
      <entry>
        <string>app.jar</string>
        <map>
          <entry><string>archive</string><string>https://ci.example/job/app/18/artifact/app.jar</string></entry>
          <entry><string>s3</string><string>https://s3/app.jar</string></entry>
        </map>
      </entry>
    </artifacts>
    <testSummary>
      <total>3</total><failed>1</failed><passed>1</passed><skipped>1</skipped>
      <failedTests><string>a.B.c</string></failedTests>
    </testSummary>
  </build>
</com.tikal.hudson.plugins.notification.model.JobState>`;

async function read(build: Record<string, unknown> = {}) {
  const { id, events } = await readNotification(
    request({ headers: JSON_TYPE, body: JSON.stringify(notification(build)) }),
  );
  const [event] = events;
  if (event === undefined) throw new Error('no event');
  expect(id).toBe(event.id);
  return event;
}

describe('builds of Jenkins', () => {
  it('are events by phase', async () => {
    expect(await read()).toMatchObject({
      type: 'jenkins.build.completed',
      id: 'https://ci.example/job/app/18/#18:completed:741',
      time: '2026-01-02T03:00:00.123Z',
      subject: 'app',
      data: notification(),
    });
    for (const phase of ['QUEUED', 'STARTED', 'FINALIZED', 'NONE']) {
      expect((await read({ phase })).type).toBe(`jenkins.build.${phase.toLowerCase()}`);
    }
  });

  it('have no status before they ended, since it may be that of the build before', async () => {
    for (const phase of ['QUEUED', 'STARTED']) {
      expect((await read({ phase, status: 'FAILURE' })).data.build).not.toHaveProperty('status');
    }
    for (const phase of ['COMPLETED', 'FINALIZED', 'NONE']) {
      expect((await read({ phase, status: 'FAILURE' })).data.build.status).toBe('FAILURE');
    }
  });

  it('are called after address, number and phase, also when they are told of again', async () => {
    const { id } = await read();
    expect((await read({ log: 'other', duration: 5, notes: undefined })).id).toBe(id);
    const others = [
      await read({ number: 19, full_url: 'https://ci.example/job/app/19/' }),
      await read({ full_url: 'https://ci.example/job/other/18/' }),
      await read({ phase: 'FINALIZED' }),
      await read({ queue_id: 9_000 }),
    ];
    expect(new Set([id, ...others.map((event) => event.id)]).size).toBe(5);
  });

  it('may notify several times by themselves', async () => {
    const [first, again, later] = [
      await read({ phase: 'NONE', notes: 'half done' }),
      await read({ phase: 'NONE', notes: 'half done' }),
      await read({ phase: 'NONE', notes: 'done', timestamp: 1_767_322_900_000 }),
    ];
    expect(again.id).toBe(first.id);
    expect(later.id).not.toBe(first.id);
  });

  it('are called after the address below Jenkins where it does not know its own', async () => {
    expect((await read({ full_url: undefined, queue_id: undefined })).id).toBe('job/app/18/#18:completed');
  });

  it('are the same in XML', async () => {
    const { events } = await readNotification(request({ headers: XML_TYPE, body: AS_XML }));
    expect(events).toEqual([await read()]);
  });

  it.each([
    ['a document type declaration', `<!DOCTYPE a [<!ENTITY b "c">]>${AS_XML}`, 'XML_DOCTYPE'],
    ['no XML', '{"name":"app"}', 'XML_SYNTAX'],
    ['a torn document', AS_XML.slice(0, -20), 'XML_SYNTAX'],
    ['elements that go on and on', '<a>'.repeat(2_000), 'RECORD_TOO_DEEP'],
    ['an element with nothing but text', '<a>text</a>', 'WEBHOOK_PAYLOAD'],
    ['an element of something else', '<a><b>1</b></a>', 'WEBHOOK_PAYLOAD'],
  ])('cannot be read from XML with %s', async (_, body, code) => {
    await expect(readNotification(request({ headers: XML_TYPE, body }))).rejects.toMatchObject({ code });
  });

  it.each([
    ['no JSON', '<a/>', 'JSON_SYNTAX'],
    ['no object', '[]', 'WEBHOOK_PAYLOAD'],
    ['no build', '{"name":"app"}', 'WEBHOOK_PAYLOAD'],
    ['a phase that is no word', JSON.stringify(notification({ phase: 'a b' })), 'WEBHOOK_PAYLOAD'],
    ['no number', JSON.stringify(notification({ number: '18' })), 'WEBHOOK_PAYLOAD'],
  ])('cannot be read from JSON with %s', async (_, body, code) => {
    await expect(readNotification(request({ headers: JSON_TYPE, body }))).rejects.toMatchObject({ code });
  });

  it('never fail otherwise than by a DecodeError', async () => {
    const body = fc.oneof(fc.json(), fc.string(), fc.constant(AS_XML), fc.uint8Array());
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom(JSON_TYPE, XML_TYPE), async (given, headers) => {
        await readNotification(request({ headers, body: given })).catch((error: Error) => {
          expect(error.name).toBe('DecodeError');
        });
      }),
    );
  });
});

describe('who Jenkins is', () => {
  it('WH3: is told by a token in the query', async () => {
    const provider = jenkins({ auth: { scheme: 'query', parameter: 'token' } }, ['a secret+', 'old']);
    const verify = (url: string) => provider.verify(unread({ url }));
    expect(await verify('/hooks/jenkins?token=a%20secret%2B')).toBeUndefined();
    expect(await verify('/hooks/jenkins?x=1&token=old')).toBeUndefined();
    for (const url of [
      '/',
      '/?',
      '/?token',
      '/?token=',
      '/?token=other',
      '/?token=old&token=old',
      '/?token=%',
      '/?Token=old',
    ]) {
      expect(await verify(url)).toEqual({ reason: expect.not.stringContaining('old') });
    }
    const named = jenkins({ auth: { scheme: 'query', parameter: 'key' } }, ['old']);
    expect(await named.verify(unread({ url: '/?key=old' }))).toBeUndefined();
  });

  it('WH3: is told by user and password', async () => {
    const provider = jenkins(jenkinsOptions.parse({}), ['jenkins:pass:word']);
    const verify = (authorization: string | string[]) => provider.verify(unread({ headers: { authorization } }));
    const good = Buffer.from('jenkins:pass:word').toString('base64');
    expect(await verify(`Basic ${good}`)).toBeUndefined();
    expect(await verify(`basic  ${good}`)).toBeUndefined();
    const bad = [
      '',
      'Basic',
      'Basic ',
      good,
      `Bearer ${good}`,
      `Basic ${good} x`,
      `Basic ${good}=`,
      'Basic amVua2luczp4',
    ];
    for (const header of [...bad, [`Basic ${good}`, `Basic ${good}`]]) {
      expect(await verify(header)).toMatchObject({ headers: { 'www-authenticate': expect.stringContaining('Basic') } });
    }
  });

  it('WH3: needs a secret, unless nobody is asked', async () => {
    for (const scheme of ['basic', 'bearer', 'query'] as const) {
      expect(() => jenkins(jenkinsOptions.parse({ auth: { scheme } }), [])).toThrow(
        expect.objectContaining({ code: 'SECRET_EMPTY' }),
      );
    }
    expect(() => jenkins(jenkinsOptions.parse({}), ['password'])).toThrow(
      expect.objectContaining({ code: 'SECRET_FORMAT' }),
    );
    expect(await jenkins({ auth: { scheme: 'none' } }, []).verify(unread({}))).toBeUndefined();
  });
});
