/**
 * The sources that come with the package: a lazy line each, so that only what is used is loaded.
 *
 * ```ts
 * const factory = new EventSourceFactory({ sources: { ...builtinSources, 'hacker-news': HackerNews } });
 * ```
 */
export const builtinSources = {
  'api-log': async () => (await import('./logs/api-log/index.js')).ApiLogSource,
  database: async () => (await import('./database/index.js')).DatabaseSource,
  filesystem: async () => (await import('./filesystem/index.js')).FilesystemSource,
  git: async () => (await import('./git/index.js')).GitSource,
  github: async () => (await import('./github/index.js')).GitHubSource,
  influxdb: async () => (await import('./metrics/influxdb/index.js')).InfluxdbSource,
  kafka: async () => (await import('./streams/kafka/index.js')).KafkaSource,
  log: async () => (await import('./logs/log/index.js')).LogSource,
  manual: async () => (await import('./manual/index.js')).ManualSource,
  mongodb: async () => (await import('./mongodb/index.js')).MongodbSource,
  prometheus: async () => (await import('./metrics/prometheus/index.js')).PrometheusSource,
  rabbitmq: async () => (await import('./streams/rabbitmq/index.js')).RabbitmqSource,
  redis: async () => (await import('./streams/redis/index.js')).RedisSource,
  rest: async () => (await import('./rest/index.js')).RestSource,
  slack: async () => (await import('./slack/index.js')).SlackSource,
  statsd: async () => (await import('./metrics/statsd/index.js')).StatsdSource,
  syslog: async () => (await import('./logs/syslog/index.js')).SyslogSource,
  webhook: async () => (await import('./webhook/index.js')).WebhookSource,
} as const;
