import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { MissingPeerError } from '../../src/core/errors.js';
import { importPeer } from '../../src/toolkit/import-peer.js';

function notFound(name: string): () => Promise<never> {
  return async () => {
    throw Object.assign(new Error(`Cannot find package '${name}' imported from somewhere`), {
      code: 'ERR_MODULE_NOT_FOUND',
    });
  };
}

describe('importPeer', () => {
  it('gives what was loaded', async () => {
    expect(await importPeer('node:path', () => import('node:path'))).toHaveProperty('join');
  });

  it('says what to install when the package is not there', async () => {
    const error = await importPeer('@octokit/rest', notFound('@octokit/rest')).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(MissingPeerError);
    expect((error as MissingPeerError).packages).toEqual(['@octokit/rest']);
    expect((error as MissingPeerError).message).toContain('npm install @octokit/rest');
  });

  it('knows what Node says of a package that it cannot find', async () => {
    const name = 'a-package-that-is-not-installed';
    const program = `import('${name}').catch(({ code, message }) => console.log(JSON.stringify({ code, message })))`;
    const said = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });
    const { code, message } = JSON.parse(said) as { code: string; message: string };
    const load = (): Promise<never> => Promise.reject(Object.assign(new Error(message), { code }));
    await expect(importPeer(name, load)).rejects.toBeInstanceOf(MissingPeerError);
  });

  it('passes on that the package is there and lacks one of its own, and any other error', async () => {
    const other = await importPeer('yaml', notFound('left-pad')).catch((reason: unknown) => reason);
    expect(other).not.toBeInstanceOf(MissingPeerError);
    const broken = new SyntaxError('unexpected token');
    await expect(importPeer('yaml', () => Promise.reject(broken))).rejects.toBe(broken);
  });
});
