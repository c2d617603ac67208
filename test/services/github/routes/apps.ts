import { timestamp } from '../records.js';
import { type ApiRequest, notFound, Refusal, type Route } from '../route.js';

export const appRoutes: readonly Route[] = [
  {
    method: 'POST',
    template: '/app/installations/{installation_id}/access_tokens',
    parameters: [],
    isForApps: true,
    handle(request) {
      const installation = request.credentials.installation(Number(request.variables['installation_id']));
      if (installation === undefined || installation.id !== request.credential.installation?.id) throw notFound();
      const permissions = readPermissions(request, installation.permissions);
      const { token, expiresAt } = request.credentials.install(installation, permissions, request.now);
      return {
        status: 201,
        body: {
          token,
          expires_at: timestamp(expiresAt),
          permissions: Object.fromEntries([...permissions].map((name) => [name, 'read'])),
          repository_selection: 'all',
        },
      };
    },
  },
];

/** Those asked for, or all that the installation has. */
function readPermissions({ body }: ApiRequest, granted: ReadonlySet<string>): ReadonlySet<string> {
  const asked = (body as { permissions?: Record<string, string> } | undefined)?.permissions;
  if (asked === undefined) return granted;
  if (Object.keys(asked).some((name) => !granted.has(name)))
    throw new Refusal(422, 'The permissions requested are not granted to this installation.');
  return new Set(Object.keys(asked));
}
