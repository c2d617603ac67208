export type { GithubConfig, GithubConfigInput, GithubCredentialsInput, GithubStream, TokenFunction } from './config.js';
export type { GithubCursor } from './cursor.js';
export type {
  GitHubEvent,
  GithubAccount,
  GithubActivity,
  GithubBranchForced,
  GithubComment,
  GithubCommit,
  GithubIssue,
  GithubPerson,
  GithubPull,
  GithubRelease,
  GithubRepository,
  GithubReview,
  GithubReviewComment,
  GithubStar,
  GithubTag,
  GithubUnavailable,
  GithubWorkflowRun,
} from './data.js';
export type { RateLimit } from './rate-limit.js';
export { GitHubSource, type PartitionOptions } from './source.js';
