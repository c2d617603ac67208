import { describe, expect, test } from 'vitest';
import { listEntries } from '../../scripts/entries.js';
import { customSourceProgram, peersProgram } from './programs.js';
import { Project, told } from './project.js';

const entries = listEntries().map((entry) => entry.specifier);

describe('a project of ES modules', () => {
  const manifest = { type: 'module' };

  test('imports every entry', () => {
    const lines = entries.map((entry) => `console.log('${entry}', Object.keys(await import('${entry}')).length > 0);`);
    const project = new Project({ 'package.json': manifest, 'main.js': lines.join('\n') });
    expect(told(project.node('main.js'))).toBe(`${entries.map((entry) => `${entry} true\n`).join('')}exit status 0`);
  });

  test('runs a source of its own', () => {
    const program = `import { EventSource, ingest, MemoryCursorStore } from 'headwater';${customSourceProgram}`;
    const project = new Project({ 'package.json': manifest, 'main.js': program });
    expect(told(project.node('main.js'))).toBe('1 2 3 4 5\nexit status 0');
  });

  test('is told which package a source needs, and only when it is used', () => {
    const project = new Project({ 'package.json': manifest, 'main.js': peersProgram });
    expect(told(project.node('main.js'))).toBe(
      [
        'github MISSING_PEER @octokit/rest',
        'slack MISSING_PEER @slack/web-api',
        'database MISSING_PEER pg',
        'mongodb MISSING_PEER mongodb',
        'log MISSING_PEER re2js',
        'exit status 0',
      ].join('\n'),
    );
  });

  test('sees one class through all entries', () => {
    const program = `
      import { ConfigError, EventSource, HeadwaterError } from 'headwater';
      import { GitSource } from 'headwater/sources/git';
      console.log(GitSource.prototype instanceof EventSource);
      const error = await GitSource.create({ id: 'history', config: { dri: '.' } }).catch((reason) => reason);
      console.log(error instanceof ConfigError, error instanceof HeadwaterError, error.name);
    `;
    const project = new Project({ 'package.json': manifest, 'main.js': program });
    expect(told(project.node('main.js'))).toBe('true\ntrue true ConfigError\nexit status 0');
  });

  test.each([
    'headwater/core/errors',
    'headwater/core/errors.js',
    'headwater/pipeline',
    'headwater/dist/index.js',
    'headwater/sources/git/client',
    'headwater/sources/git/index.js',
  ])('cannot reach %s', (specifier) => {
    const program = `console.log(await import('${specifier}').then(() => 'reached', (error) => error.code));`;
    const project = new Project({ 'package.json': manifest, 'main.js': program });
    expect(told(project.node('main.js'))).toMatch(/^ERR_(MODULE_NOT_FOUND|PACKAGE_PATH_NOT_EXPORTED)\nexit status 0$/);
  });
});

describe('a CommonJS project', () => {
  test('requires every entry', () => {
    const lines = entries.map((entry) => `console.log('${entry}', Object.keys(require('${entry}')).length > 0);`);
    const project = new Project({ 'package.json': {}, 'main.js': lines.join('\n') });
    expect(told(project.node('main.js'))).toBe(`${entries.map((entry) => `${entry} true\n`).join('')}exit status 0`);
  });

  test('runs a source of its own, without a warning', () => {
    const program = `const { EventSource, ingest, MemoryCursorStore } = require('headwater');${customSourceProgram}`;
    const project = new Project({ 'package.json': {}, 'main.js': program });
    expect(told(project.node('main.js'))).toBe('1 2 3 4 5\nexit status 0');
  });
});
