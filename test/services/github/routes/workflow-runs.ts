import { listName, listOnce } from '../listing.js';
import { pageByNumber } from '../pagination.js';
import { workflowRunPayload } from '../payloads/workflow-run.js';
import type { WorkflowRunRecord } from '../records.js';
import { PAGING, type Route, repositoryRoute } from '../route.js';

const FILTERS = ['actor', 'branch', 'created', 'event', 'head_sha', 'status'];

/** With any filter. https://docs.github.com/rest/actions/workflow-runs#list-workflow-runs-for-a-repository */
const MOST_FILTERED = 1000;

const DAY_MS = 86_400_000;

export const workflowRunRoutes: readonly Route[] = [
  repositoryRoute('/actions/runs', {
    permission: 'actions',
    parameters: [...PAGING, ...FILTERS, 'exclude_pull_requests'],
    handle(request, repository) {
      const { query } = request;
      const runs = listOnce(repository, listName(request), () => filterRuns(repository.runRecords, query));
      const served = FILTERS.some((name) => query.has(name)) ? runs.slice(0, MOST_FILTERED) : runs;
      const { items, headers } = pageByNumber(request, served, { of: repository });
      const payloads = items.map((run) => workflowRunPayload(run, repository, request.links));
      return { status: 200, body: { total_count: runs.length, workflow_runs: payloads }, headers };
    },
  }),
];

/** Newest first. */
function filterRuns(runs: readonly WorkflowRunRecord[], query: URLSearchParams): WorkflowRunRecord[] {
  const isCreated = readRange(query.get('created'));
  const matches = (name: string, ...values: (string | null)[]): boolean => {
    const wanted = query.get(name);
    return wanted === null || values.includes(wanted);
  };
  return runs
    .filter(
      (run) =>
        isCreated(Date.parse(run.createdAt)) &&
        matches('actor', run.user.login) &&
        matches('branch', run.branch) &&
        matches('event', run.event) &&
        matches('head_sha', run.headSha) &&
        matches('status', run.status, run.conclusion),
    )
    .sort((left, right) => Date.parse(right.createdAt) - Date.parse(left.createdAt) || right.id - left.id);
}

/**
 * `>=2026-01-01`, `2026-01-01..2026-01-31`, `*..2026-01-31`: https://docs.github.com/search-github/getting-started-with-searching-on-github/understanding-the-search-syntax#query-for-dates
 * A date without a time means the whole day.
 */
function readRange(text: string | null): (time: number) => boolean {
  if (text === null) return () => true;
  const [from = '', to] = text.split('..');
  if (to !== undefined) return (time) => (from === '*' || time >= first(from)) && (to === '*' || time <= last(to));
  const [, comparison = '', date = ''] = /^(>=|<=|>|<|)(.+)$/.exec(text) ?? [];
  if (comparison === '>=') return (time) => time >= first(date);
  if (comparison === '<=') return (time) => time <= last(date);
  if (comparison === '>') return (time) => time > last(date);
  if (comparison === '<') return (time) => time < first(date);
  return (time) => time >= first(date) && time <= last(date);
}

function first(date: string): number {
  return Date.parse(date);
}

function last(date: string): number {
  return /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(date) + DAY_MS - 1 : Date.parse(date);
}
