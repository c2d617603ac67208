import type { SourceEvent } from '../../../core/event.js';

/** What GitLab's payloads have in common; fields that are not listed are as GitLab sent them. */
export interface GitlabPayload {
  readonly object_kind?: string;
  readonly event_name?: string;
  readonly project?: GitlabProject;
  readonly user?: GitlabUser;
  readonly [field: string]: unknown;
}

export interface GitlabProject {
  readonly id?: number;
  readonly name: string;
  /** 'group/project' */
  readonly path_with_namespace: string;
  readonly web_url: string;
  readonly default_branch?: string | null;
  readonly [field: string]: unknown;
}

export interface GitlabUser {
  readonly id?: number;
  readonly name: string;
  readonly username?: string;
  /** '[REDACTED]' where the person shows none. */
  readonly email?: string;
  readonly [field: string]: unknown;
}

export interface GitlabCommit {
  readonly id: string;
  readonly message: string;
  readonly timestamp: string;
  readonly url: string;
  readonly author: { readonly name: string; readonly email: string };
  readonly added?: readonly string[];
  readonly modified?: readonly string[];
  readonly removed?: readonly string[];
  readonly [field: string]: unknown;
}

/** A push to a branch (`push`) or of a tag (`tag_push`). A push of more than three of them is not told at all. */
export interface GitlabPush extends GitlabPayload {
  /** 40 zeros where the branch or tag is new. */
  readonly before: string;
  /** 40 zeros where it was deleted. */
  readonly after: string;
  /** 'refs/heads/main', 'refs/tags/v1.0.0' */
  readonly ref: string;
  readonly user_username?: string;
  readonly project_id: number;
  /** The newest 20 at most; see `total_commits_count`. */
  readonly commits: readonly GitlabCommit[];
  readonly total_commits_count: number;
}

/** A payload about one thing, which is in `object_attributes`. */
export interface GitlabObject extends GitlabPayload {
  readonly object_attributes: {
    readonly id: number;
    /** The number that people see; issues and merge requests have one. */
    readonly iid?: number;
    readonly title?: string;
    readonly state?: string;
    readonly action?: string;
    readonly url?: string;
    readonly [field: string]: unknown;
  };
  /** What an update changed, with `previous` and `current`. */
  readonly changes?: Readonly<Record<string, unknown>>;
}

export interface GitlabNote extends GitlabPayload {
  readonly object_attributes: {
    readonly id: number;
    readonly note: string;
    /** 'Commit', 'MergeRequest', 'Issue', 'Snippet' */
    readonly noteable_type: string;
    readonly url?: string;
    readonly [field: string]: unknown;
  };
}

export interface GitlabPipeline extends GitlabPayload {
  readonly object_attributes: {
    readonly id: number;
    readonly ref: string;
    readonly sha: string;
    readonly status: string;
    /** In seconds; null before it has ended. */
    readonly duration?: number | null;
    readonly url?: string;
    readonly [field: string]: unknown;
  };
  readonly builds?: readonly Readonly<Record<string, unknown>>[];
}

export interface GitlabJob extends GitlabPayload {
  readonly ref: string;
  readonly sha: string;
  readonly build_id: number;
  readonly build_name: string;
  readonly build_stage: string;
  readonly build_status: string;
  /** In seconds; null before it has ended. */
  readonly build_duration?: number | null;
  /** Why it failed; 'unknown_failure' for one that has not. */
  readonly build_failure_reason?: string;
  readonly pipeline_id: number;
}

export interface GitlabDeployment extends GitlabPayload {
  readonly status: string;
  readonly deployment_id: number;
  readonly environment: string;
}

export interface GitlabRelease extends GitlabPayload {
  readonly id: number;
  readonly tag: string;
  readonly name: string;
  readonly action: string;
}

/** What happens to issues and other work items. */
export type GitlabIssueAction = 'open' | 'close' | 'reopen' | 'update';
export type GitlabMergeRequestAction =
  | GitlabIssueAction
  | 'approved'
  | 'unapproved'
  | 'approval'
  | 'unapproval'
  | 'merge';
/** Of pipelines and jobs. */
export type GitlabStatus =
  | 'created'
  | 'waiting_for_resource'
  | 'preparing'
  | 'pending'
  | 'running'
  | 'success'
  | 'failed'
  | 'canceling'
  | 'canceled'
  | 'skipped'
  | 'manual'
  | 'scheduled';

/**
 * What GitLab's documentation lists. Kinds, actions and states that it does not know come by the same rule,
 * `gitlab.<kind>` or `gitlab.<kind>.<action>`, with what GitLab sent; `gitlab.custom` is what a template of the host's
 * own made of it.
 *
 * @see https://docs.gitlab.com/user/project/integrations/webhook_events/
 */
export type GitlabEvent =
  | SourceEvent<'gitlab.push' | 'gitlab.tag_push', GitlabPush>
  | SourceEvent<`gitlab.merge_request.${GitlabMergeRequestAction}`, GitlabObject>
  | SourceEvent<`gitlab.issue.${GitlabIssueAction}`, GitlabObject>
  | SourceEvent<`gitlab.work_item.${GitlabIssueAction}`, GitlabObject>
  | SourceEvent<'gitlab.note.create' | 'gitlab.note.update' | 'gitlab.note', GitlabNote>
  | SourceEvent<`gitlab.pipeline.${GitlabStatus}`, GitlabPipeline>
  | SourceEvent<`gitlab.job.${GitlabStatus}`, GitlabJob>
  | SourceEvent<`gitlab.deployment.${'created' | 'running' | 'success' | 'failed' | 'canceled'}`, GitlabDeployment>
  | SourceEvent<`gitlab.release.${'create' | 'update' | 'delete'}`, GitlabRelease>
  | SourceEvent<`gitlab.wiki_page.${'create' | 'update' | 'delete'}`, GitlabPayload>
  | SourceEvent<`gitlab.milestone.${'create' | 'close' | 'reopen' | 'delete'}`, GitlabObject>
  | SourceEvent<`gitlab.emoji.${'award' | 'revoke'}`, GitlabObject>
  | SourceEvent<'gitlab.feature_flag' | 'gitlab.access_token' | 'gitlab.vulnerability', GitlabPayload>
  | SourceEvent<`gitlab.user_${'add_to' | 'remove_from' | 'update_for' | 'access_request_to'}_group`, GitlabPayload>
  | SourceEvent<`gitlab.${'project' | 'subgroup'}_${'create' | 'destroy'}` | 'gitlab.custom', GitlabPayload>;
