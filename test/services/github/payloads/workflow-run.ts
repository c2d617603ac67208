import type { WorkflowRunRecord } from '../records.js';
import type { Repository } from '../repository.js';
import { accountPayload } from './account.js';
import { type Json, type Links, nodeId } from './links.js';
import { bareRepositoryPayload, repositoryPage, repositoryUrl } from './repository.js';

/** 'workflow-run'. */
export function workflowRunPayload(run: WorkflowRunRecord, repository: Repository, links: Links): Json {
  const api = repositoryUrl(repository, links);
  const url = `${api}/actions/runs/${run.id}`;
  const actor = accountPayload(run.user, links);
  const repositoryPart = bareRepositoryPayload(repository, links);
  const suite = run.id + 1;
  return {
    id: run.id,
    name: run.name,
    node_id: nodeId('WFR', run.id),
    head_branch: run.branch,
    head_sha: run.headSha,
    path: `.github/workflows/${run.name}.yml`,
    display_title: `Run ${run.runNumber}`,
    run_number: run.runNumber,
    event: run.event,
    status: run.status,
    conclusion: run.conclusion,
    workflow_id: 159_038,
    check_suite_id: suite,
    check_suite_node_id: nodeId('CS', suite),
    url,
    html_url: `${repositoryPage(repository, links)}/actions/runs/${run.id}`,
    pull_requests: [],
    created_at: run.createdAt,
    updated_at: run.updatedAt,
    actor,
    run_attempt: run.attempt,
    referenced_workflows: [],
    run_started_at: run.createdAt,
    triggering_actor: actor,
    jobs_url: `${url}/jobs`,
    logs_url: `${url}/logs`,
    check_suite_url: `${api}/check-suites/${suite}`,
    artifacts_url: `${url}/artifacts`,
    cancel_url: `${url}/cancel`,
    rerun_url: `${url}/rerun`,
    previous_attempt_url: run.attempt > 1 ? `${url}/attempts/${run.attempt - 1}` : null,
    workflow_url: `${api}/actions/workflows/159038`,
    head_commit: headCommit(run),
    repository: repositoryPart,
    head_repository: repositoryPart,
  };
}

function headCommit(run: WorkflowRunRecord): Json {
  const person = { name: 'Mona Lisa', email: 'Mona.Lisa@example.com' };
  return {
    id: run.headSha,
    tree_id: run.headSha,
    message: 'Change',
    timestamp: run.createdAt,
    author: person,
    committer: person,
  };
}
