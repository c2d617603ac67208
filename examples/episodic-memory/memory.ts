import type { Kysely, Transaction } from 'kysely';
import type { Tables } from './database.js';
import type { Episode } from './episode.js';

/** PostgreSQL takes 65,535 parameters in a statement, SQLite 32,766. */
const ROWS_PER_STATEMENT = 500;

/** The episodes of one project. */
export class Memory {
  readonly #database: Kysely<Tables>;
  readonly #project: string;

  constructor(database: Kysely<Tables>, project: string) {
    this.#database = database;
    this.#project = project;
  }

  async remember(episodes: readonly Episode[], transaction: Transaction<Tables>): Promise<void> {
    for (let from = 0; from < episodes.length; from += ROWS_PER_STATEMENT) {
      const rows = episodes
        .slice(from, from + ROWS_PER_STATEMENT)
        .map(({ context, ...episode }) => ({ ...episode, project: this.#project, context: JSON.stringify(context) }));
      await transaction.insertInto('episodes').values(rows).execute();
    }
  }

  /** The newest episodes that hold all the words, newest first. */
  async recall(words: readonly string[], limit: number): Promise<Episode[]> {
    let query = this.#database.selectFrom('episodes').selectAll().where('project', '=', this.#project);
    for (const word of words) query = query.where('content', 'like', `%${word.replace(/[%_]/g, '')}%`);
    const rows = await query.orderBy('time', 'desc').limit(limit).execute();
    return rows.map(({ project: _, context, ...episode }) => ({ ...episode, context: JSON.parse(context) }));
  }

  async countByKind(): Promise<{ kind: string; count: number }[]> {
    const rows = await this.#database
      .selectFrom('episodes')
      .select(({ fn }) => ['kind', fn.countAll().as('count')])
      .where('project', '=', this.#project)
      .groupBy('kind')
      .orderBy('kind')
      .execute();
    return rows.map(({ kind, count }) => ({ kind, count: Number(count) }));
  }
}
