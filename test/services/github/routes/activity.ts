import { listAnswer, pageByNumber } from '../pagination.js';
import { eventPayload, starPayload } from '../payloads/activity.js';
import { PAGING, type Route, repositoryRoute } from '../route.js';

/** 400 pages of 100: https://github.com/MeltanoLabs/tap-github/issues/120 */
const MOST_STARS = 40_000;

/** https://docs.github.com/rest/activity/events: 300 events of the last 30 days, late. */
const MOST_EVENTS = 300;
const EVENT_AGE_MS = 30 * 86_400_000;

export const activityRoutes: readonly Route[] = [
  repositoryRoute('/stargazers', {
    permission: 'metadata',
    parameters: PAGING,
    handle(request, repository) {
      const withTime = request.accept.includes('star+json');
      const stars = repository.starRecords.toSorted(
        (left, right) => Date.parse(left.starredAt) - Date.parse(right.starredAt),
      );
      return listAnswer(pageByNumber(request, stars, { of: repository, mostItems: MOST_STARS }), (star) =>
        starPayload(star, request.links, withTime),
      );
    },
  }),
  repositoryRoute('/events', {
    permission: 'metadata',
    parameters: PAGING,
    handle(request, repository) {
      const { eventLatencyMs, pollIntervalSeconds } = request.settings;
      const events = repository.eventRecords
        .filter(({ createdAt }) => {
          const age = request.now - Date.parse(createdAt);
          return age >= eventLatencyMs && age <= EVENT_AGE_MS;
        })
        .sort((left, right) => Number(BigInt(right.id) - BigInt(left.id)))
        .slice(0, MOST_EVENTS);
      const page = pageByNumber(request, events, { of: repository, mostItems: MOST_EVENTS });
      const answer = listAnswer(page, (event) => eventPayload(event, repository, request.links));
      return { ...answer, headers: { ...answer.headers, 'x-poll-interval': String(pollIntervalSeconds) } };
    },
  }),
];
