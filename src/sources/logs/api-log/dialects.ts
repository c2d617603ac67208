import type { Unit } from './duration.js';

/** What can be told of a request. */
export type Role =
  | 'method'
  | 'target'
  | 'path'
  | 'query'
  | 'request'
  | 'status'
  | 'bytes'
  | 'clientAddress'
  | 'userAgent'
  | 'referer'
  | 'requestId'
  | 'host'
  | 'protocol'
  | 'user';

/** How a program names the fields of a request. Dots lead into nested fields. */
export interface Dialect {
  readonly name: string;
  /** Of each list one field has to be there. */
  readonly needs: readonly (readonly string[])[];
  /** For each role the fields that may have it; the first that is there counts. */
  readonly roles: Readonly<Partial<Record<Role, readonly string[]>>>;
  readonly durations: readonly (readonly [field: string, unit: Unit])[];
}

/** https://github.com/pinojs/pino-http, and all that log `req` and `res` as its serializers do. */
const PINO_HTTP: Dialect = {
  name: 'pino-http',
  needs: [['req.method'], ['res.statusCode']],
  roles: {
    method: ['req.method'],
    target: ['req.originalUrl', 'req.url'],
    status: ['res.statusCode'],
    bytes: ['res.headers.content-length'],
    clientAddress: ['req.remoteAddress'],
    userAgent: ['req.headers.user-agent'],
    referer: ['req.headers.referer'],
    requestId: ['req.id', 'req.headers.x-request-id'],
    host: ['req.headers.host'],
  },
  durations: [['responseTime', 'ms']],
};

/** https://github.com/bithavoc/express-winston */
const EXPRESS_WINSTON: Dialect = {
  name: 'express-winston',
  needs: [['meta.req.method'], ['meta.res.statusCode']],
  roles: {
    method: ['meta.req.method'],
    target: ['meta.req.originalUrl', 'meta.req.url'],
    status: ['meta.res.statusCode'],
    userAgent: ['meta.req.headers.user-agent'],
    referer: ['meta.req.headers.referer'],
    requestId: ['meta.req.headers.x-request-id'],
    host: ['meta.req.headers.host'],
  },
  durations: [['meta.responseTime', 'ms']],
};

/** https://caddyserver.com/docs/logging: `duration` in seconds unless `duration_format` says otherwise. */
const CADDY: Dialect = {
  name: 'caddy',
  needs: [['request.uri'], ['request.method'], ['status']],
  roles: {
    method: ['request.method'],
    target: ['request.uri'],
    status: ['status'],
    bytes: ['size'],
    clientAddress: ['request.client_ip', 'request.remote_ip'],
    userAgent: ['request.headers.User-Agent'],
    referer: ['request.headers.Referer'],
    requestId: ['request.headers.X-Request-Id'],
    host: ['request.host'],
    protocol: ['request.proto'],
    user: ['user_id'],
  },
  durations: [['duration', 's']],
};

/**
 * Command operators of Envoy under the names that Istio and the pages of Envoy give them; DURATION is in milliseconds.
 * https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage
 */
const ENVOY: Dialect = {
  name: 'envoy',
  needs: [['response_code'], ['method']],
  roles: {
    method: ['method'],
    target: ['path'],
    status: ['response_code'],
    bytes: ['bytes_sent'],
    clientAddress: ['downstream_remote_address'],
    userAgent: ['user_agent'],
    referer: ['referer'],
    requestId: ['request_id', 'x_request_id'],
    host: ['authority'],
    protocol: ['protocol'],
  },
  durations: [['duration', 'ms']],
};

/**
 * Variables of nginx under their own names, as `log_format … escape=json` writes them; $request_time is in seconds.
 * https://nginx.org/en/docs/http/ngx_http_log_module.html
 */
const NGINX: Dialect = {
  name: 'nginx',
  needs: [['status'], ['request_uri', 'request'], ['remote_addr', 'body_bytes_sent', 'bytes_sent', 'request_time']],
  roles: {
    method: ['request_method'],
    target: ['request_uri'],
    request: ['request'],
    status: ['status'],
    bytes: ['body_bytes_sent', 'bytes_sent'],
    clientAddress: ['remote_addr'],
    userAgent: ['http_user_agent'],
    referer: ['http_referer', 'http_referrer'],
    requestId: ['request_id'],
    host: ['host', 'http_host'],
    protocol: ['server_protocol'],
    user: ['remote_user'],
  },
  durations: [['request_time', 's']],
};

const STATUS = ['status', 'statusCode', 'status_code', 'http_status', 'httpStatus', 'response_status'];
const METHOD = ['method', 'httpMethod', 'http_method', 'request_method', 'verb'];
const TARGET = ['target', 'url', 'originalUrl', 'original_url', 'uri', 'requestUri', 'request_uri'];
const PATH = ['path', 'pathname', 'request_path', 'endpoint'];

/** Names that speak for themselves. A plain `duration` does not say its unit, so it is not guessed: configure it. */
const PLAIN: Dialect = {
  name: 'plain',
  needs: [STATUS, [...METHOD, ...TARGET, ...PATH, 'request']],
  roles: {
    method: METHOD,
    target: TARGET,
    path: PATH,
    query: ['query', 'queryString', 'query_string'],
    request: ['request'],
    status: STATUS,
    bytes: ['bytes', 'bytesSent', 'bytes_sent', 'responseSize', 'response_size', 'contentLength', 'content_length'],
    clientAddress: ['clientAddress', 'client_address', 'clientIp', 'client_ip', 'remoteAddress', 'remote_addr', 'ip'],
    userAgent: ['userAgent', 'user_agent', 'agent'],
    referer: ['referer', 'referrer'],
    requestId: ['requestId', 'request_id', 'reqId', 'req_id', 'x_request_id'],
    host: ['host'],
    protocol: ['protocol', 'httpVersion', 'http_version'],
    user: ['user'],
  },
  durations: [
    ['durationMs', 'ms'],
    ['duration_ms', 'ms'],
    ['responseTime', 'ms'],
    ['response_time_ms', 'ms'],
    ['responseTimeMs', 'ms'],
    ['latencyMs', 'ms'],
    ['latency_ms', 'ms'],
    ['elapsed_ms', 'ms'],
    ['elapsedMs', 'ms'],
    ['durationUs', 'us'],
    ['duration_us', 'us'],
    ['durationNs', 'ns'],
    ['duration_ns', 'ns'],
    ['durationS', 's'],
    ['duration_s', 's'],
    ['durationSeconds', 's'],
    ['duration_seconds', 's'],
    ['request_time', 's'],
  ],
};

/** Those that need more come before those that need less. */
export const DIALECTS: readonly Dialect[] = [PINO_HTTP, EXPRESS_WINSTON, CADDY, ENVOY, NGINX, PLAIN];
