import { GitHubSource } from '../../src/sources/github/index.js';
import { MovingOrganisation } from './github-organisation.js';
import { githubReaders } from './github-scenarios.js';
import type { Judge } from './judge.js';
import type { Stored } from './log-judge.js';
import { Services } from './services.js';

export const githubServices = new Services(() => MovingOrganisation.start());

/** Everything that there is now is among what was stored, in its present version; nothing is there oftener than may be. */
export function judgeGithub(stored: Stored, name: keyof typeof githubReaders): Judge {
  return async (directory, atRisk) => {
    const organisation = githubServices.of(directory);
    organisation.rest();
    // What changed while the last run went on is for the next.
    await githubReaders[name](directory);
    const events = (await stored(directory)).map((line) => JSON.parse(line) as { id: string; source: string });
    const distinct = new Set(events.map(({ source, id }) => `${source} ${id}`));
    const lost: string[] = [];
    const { config, token } = organisation.access;
    const source = await GitHubSource.create({ id: 'torture', config, credentials: { token } });
    for await (const { source: from, id } of source.generateEvents()) {
      if (!distinct.has(`${from} ${id}`)) lost.push(`${from} ${id}`);
    }
    if (lost.length > 0) throw new Error(`lost: ${lost.slice(0, 5).join(', ')} and ${lost.length} in all`);
    const repeats = events.length - distinct.size;
    if (repeats > atRisk) throw new Error(`${repeats} repeats where at most ${atRisk} were on their way`);
    const [violation] = organisation.server.violations;
    if (violation !== undefined) throw new Error(`asked for what is not documented: ${violation}`);
    return { events: distinct.size, repeats };
  };
}
