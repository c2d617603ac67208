import { delimiter, dirname } from 'node:path';

/** All that git inherits: where programs are, where to put temporary files, and a home for `~/` in paths. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'TEMP', 'TMP', 'SystemRoot', 'PATHEXT', 'USERPROFILE'] as const;

/**
 * The whole environment of every git process. Nothing else is inherited: no `GIT_*`, no pager, editor or askpass.
 * Neither the user's nor the system's configuration is read, no replacement or graft alters history, nothing is
 * fetched, asked or locked, and no parent directory is searched for a repository. Output comes in blocks, not in one
 * write per commit.
 *
 * @see https://git-scm.com/docs/git#_environment_variables
 */
export function gitEnvironment(directory: string): Record<string, string> {
  const environment: Record<string, string> = {
    LC_ALL: 'C',
    GIT_ALLOW_PROTOCOL: '',
    GIT_ATTR_NOSYSTEM: '1',
    GIT_CEILING_DIRECTORIES: ceiling(directory),
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_CONFIG_SYSTEM: '/dev/null',
    GIT_FLUSH: '0',
    GIT_GRAFT_FILE: '/dev/null',
    GIT_NO_LAZY_FETCH: '1',
    GIT_NO_REPLACE_OBJECTS: '1',
    GIT_OPTIONAL_LOCKS: '0',
    GIT_TERMINAL_PROMPT: '0',
  };
  for (const name of INHERITED) {
    const value = process.env[name];
    if (value !== undefined) environment[name] = value;
  }
  return environment;
}

/** The variable is a list, so a directory with the list's delimiter in its name cannot be given. */
function ceiling(directory: string): string {
  const parent = dirname(directory);
  return parent.includes(delimiter) ? '' : parent;
}

/** Configuration that overrides the repository's own: nothing it names is run. */
export const HARDENED_CONFIGURATION = [
  'advice.graftFileDeprecated=false',
  'protocol.allow=never',
  'log.showSignature=false',
  'log.showRoot=true',
  'gpg.program=false',
  'gpg.ssh.program=false',
  'gpg.x509.program=false',
  'core.fsmonitor=false',
  'core.sshCommand=false',
  'core.alternateRefsCommand=false',
  'core.askPass=false',
  'core.editor=false',
  'core.hooksPath=/dev/null',
  'core.pager=cat',
] as const;

/** What comes before the name of every command. */
export function globalArguments(directory: string, trustOwner: boolean): string[] {
  const trusted = trustOwner ? [`safe.directory=${directory}`] : [];
  return ['--no-pager', ...[...HARDENED_CONFIGURATION, ...trusted].flatMap((setting) => ['-c', setting])];
}
