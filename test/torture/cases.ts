import { join } from 'node:path';
import { written } from './database-writers.js';
import { type DialectName, dialectNames, dropDatabase } from './databases.js';
import { githubServices, judgeGithub } from './github.js';
import {
  commits,
  counted,
  eventsAtRisk,
  type Judge,
  judgeCounter,
  judgeEvents,
  judgeFiles,
  judgeRows,
  linesOfJsonl,
  numbered,
  storedCommits,
} from './judge.js';
import type { LiveCase } from './live.js';
import { judgeLog, type Stored, storedInJsonl, storedInSqlite } from './log-judge.js';
import { LINES_AT_ONCE } from './log-scenarios.js';
import { NginxWriter, RsyslogWriter } from './log-writers.js';
import { createRepository } from './repository.js';
import { BATCH } from './scenario.js';
import { eventsInFlight } from './served-scenarios.js';
import type { Service, Services } from './services.js';
import { judgeSlack, slackServices } from './slack.js';
import type { SteadyCase } from './steady.js';
import { streamCases, streamSteady } from './streams.js';
import { createTree, treeKeys } from './tree.js';
import { webhookCases, webhookSteady } from './webhook.js';

/** One scenario: what is there before, what must be there after, and what a kill may repeat. */
export interface Case {
  readonly judge: Judge;
  /** How many events a kill at this moment may bring again. @throws when more are stored than may be */
  atRisk(directory: string): number | Promise<number>;
  prepare?(directory: string): void | Promise<void>;
  cleanUp?(directory: string): Promise<void>;
  /** For about how long a run reads after it said that it does: random kills fall within. Default: some after its start. */
  readonly readsForMs?: number;
  /** Another scenario of the group goes through every point; here it is every tenth kill. */
  readonly isSampled?: boolean;
}

/** A group of scenarios, named on the command line. */
export interface Group {
  readonly scenarios: Readonly<Record<string, Case>>;
  /** Several processes at once on one cursor; `counted` says what the judge counts. */
  readonly contended: Readonly<Record<string, Omit<Case, 'atRisk'> & { readonly counted: string }>>;
  /** Read while others write. */
  readonly live?: Readonly<Record<string, LiveCase>>;
  /** Read for minutes at an even rate. */
  readonly steady?: Readonly<Record<string, SteadyCase>>;
}

const oneBatch = async (directory: string): Promise<number> => {
  const events = await eventsAtRisk(directory);
  if (events > BATCH) throw new Error(`${events} events stored beyond the cursor`);
  return events;
};
const aBatch = (): number => BATCH;
const nothing = (): number => 0;

const repository = (directory: string): void => createRepository(join(directory, 'repository'));
const tree = (directory: string): void => createTree(join(directory, 'tree'));

function inDatabases<Value>(make: (dialect: DialectName) => Record<string, Value>): Record<string, Value> {
  return Object.assign({}, ...dialectNames.map(make));
}

/** The same log read into two kinds of sinks; `start` begins to write it. */
function readInto(name: string, start: LiveCase['start'], isOrdered: boolean): Record<string, LiveCase> {
  const into = (stored: Stored, atRisk: number): LiveCase => ({
    start,
    atRisk,
    judge: judgeLog(stored, { isOrdered }),
  });
  return { [`${name}-jsonl`]: into(storedInJsonl, LINES_AT_ONCE), [`${name}-sqlite`]: into(storedInSqlite, 0) };
}

/** Read from a server in this process. */
function served(services: Services<Service>): Pick<Case, 'prepare' | 'cleanUp' | 'readsForMs'> {
  return { prepare: services.start, cleanUp: services.close, readsForMs: 500 };
}

export const groups: Readonly<Record<string, Group>> = {
  core: {
    scenarios: {
      pages: { judge: judgeEvents(numbered), atRisk: oneBatch },
      counting: { judge: judgeEvents(counted), atRisk: oneBatch },
      upstream: { judge: judgeEvents(numbered), atRisk: oneBatch },
      autosaved: { judge: judgeEvents(counted), atRisk: eventsAtRisk },
      git: { judge: judgeEvents(commits), atRisk: aBatch, prepare: repository },
    },
    contended: { contended: { judge: judgeCounter, counted: 'saves' } },
  },
  files: {
    scenarios: {
      // The files of one look share a batch, which is never cut because it carries what is remembered of each.
      files: { judge: judgeFiles, atRisk: () => 256, prepare: tree },
    },
    contended: {},
  },
  github: {
    scenarios: {
      'github-jsonl': {
        ...served(githubServices),
        judge: judgeGithub(linesOfJsonl, 'github-jsonl'),
        atRisk: eventsInFlight,
      },
      'github-sqlite': {
        ...served(githubServices),
        judge: judgeGithub(storedInSqlite, 'github-sqlite'),
        atRisk: nothing,
        isSampled: true,
      },
    },
    contended: {},
  },
  stores: {
    scenarios: inDatabases((dialect) => {
      const cleanUp = (directory: string): Promise<void> => dropDatabase(dialect, directory);
      return {
        [`git-${dialect}`]: { judge: judgeRows(dialect, storedCommits), atRisk: nothing, prepare: repository, cleanUp },
        [`files-${dialect}`]: { judge: judgeRows(dialect, treeKeys), atRisk: nothing, prepare: tree, cleanUp },
      };
    }),
    contended: inDatabases((dialect) => ({
      [`writers-${dialect}`]: {
        judge: judgeRows(dialect, storedCommits),
        counted: 'rows',
        prepare: repository,
        cleanUp: (directory: string): Promise<void> => dropDatabase(dialect, directory),
      },
    })),
  },
  slack: {
    scenarios: {
      'slack-jsonl': {
        ...served(slackServices),
        judge: judgeSlack(linesOfJsonl, 'slack-jsonl'),
        atRisk: eventsInFlight,
      },
      'slack-sqlite': {
        ...served(slackServices),
        judge: judgeSlack(storedInSqlite, 'slack-sqlite'),
        atRisk: nothing,
        isSampled: true,
      },
    },
    contended: {},
  },
  streams: { scenarios: {}, contended: {}, live: streamCases, steady: streamSteady },
  webhook: { scenarios: {}, contended: {}, live: webhookCases, steady: webhookSteady },
  database: {
    scenarios: {},
    contended: {},
    live: { 'orders-postgres': written('postgres'), 'orders-mariadb': written('mariadb') },
  },
  logs: {
    scenarios: {},
    contended: {},
    live: {
      ...readInto('nginx', (directory, random) => NginxWriter.start(directory, random), false),
      ...readInto('rsyslog', (directory, random) => RsyslogWriter.start(directory, random), true),
    },
  },
};
