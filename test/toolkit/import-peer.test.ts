import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { MissingPeerError } from '../../src/core/errors.js';
import { peerFailure } from '../../src/toolkit/import-peer.js';

function notFound(name: string): Error {
  return Object.assign(new Error(`Cannot find package '${name}' imported from somewhere`), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
}

describe('peerFailure', () => {
  it('says what to install when the package is not there', () => {
    const error = peerFailure('@octokit/rest', notFound('@octokit/rest'));
    expect(error).toBeInstanceOf(MissingPeerError);
    expect((error as MissingPeerError).packages).toEqual(['@octokit/rest']);
    expect((error as MissingPeerError).message).toContain('npm install @octokit/rest');
  });

  it('knows what Node says of a package that it cannot find', () => {
    const name = 'a-package-that-is-not-installed';
    const program = `import('${name}').catch(({ code, message }) => console.log(JSON.stringify({ code, message })))`;
    const said = execFileSync(process.execPath, ['-e', program], { encoding: 'utf8' });
    const { code, message } = JSON.parse(said) as { code: string; message: string };
    expect(peerFailure(name, Object.assign(new Error(message), { code }))).toBeInstanceOf(MissingPeerError);
  });

  it('passes on that the package is there and lacks one of its own, and any other error', () => {
    expect(peerFailure('yaml', notFound('left-pad'))).not.toBeInstanceOf(MissingPeerError);
    const broken = new SyntaxError('unexpected token');
    expect(peerFailure('yaml', broken)).toBe(broken);
  });
});
