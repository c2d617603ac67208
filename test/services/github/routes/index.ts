import type { Route } from '../route.js';
import { activityRoutes } from './activity.js';
import { appRoutes } from './apps.js';
import { branchRoutes } from './branches.js';
import { commitRoutes } from './commits.js';
import { issueRoutes } from './issues.js';
import { pullRoutes } from './pulls.js';
import { rateLimitRoutes } from './rate-limit.js';
import { releaseRoutes } from './releases.js';
import { repositoryRoutes } from './repositories.js';
import { workflowRunRoutes } from './workflow-runs.js';

/** Where two match, the first is taken: '/issues/comments' before '/issues/{issue_number}'. */
export const routes: readonly Route[] = [
  ...repositoryRoutes,
  ...branchRoutes,
  ...commitRoutes,
  ...issueRoutes,
  ...pullRoutes,
  ...releaseRoutes,
  ...workflowRunRoutes,
  ...activityRoutes,
  ...rateLimitRoutes,
  ...appRoutes,
];
