import { listAnswer, pageByNumber } from '../pagination.js';
import { releasePayload, tagPayload } from '../payloads/release.js';
import { PAGING, type Route, repositoryRoute } from '../route.js';

export const releaseRoutes: readonly Route[] = [
  repositoryRoute('/releases', {
    permission: 'contents',
    parameters: PAGING,
    handle(request, repository) {
      // Drafts are for who may push, and no credential here may.
      const releases = repository.releaseRecords.filter(({ draft }) => !draft);
      releases.sort((left, right) => Date.parse(right.createdAt) - Date.parse(left.createdAt) || right.id - left.id);
      return listAnswer(pageByNumber(request, releases, { of: repository }), (release) =>
        releasePayload(release, repository, request.links),
      );
    },
  }),
  repositoryRoute('/tags', {
    permission: 'contents',
    parameters: PAGING,
    handle: (request, repository) =>
      listAnswer(pageByNumber(request, repository.git.graph.tags().reverse(), { of: repository }), ([name, sha]) =>
        tagPayload(name, sha, repository, request.links),
      ),
  }),
];
