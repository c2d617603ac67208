/** Lines that the programs wrote, or that their own pages print. `hush` is in all that is secret. */

/** Of pino-http 11 with Express 4, for two requests with cookies, an Authorization and a token in the query. */
export const PINO_HTTP =
  '{"level":30,"time":1795646959180,"pid":18808,"hostname":"vm","req":{"id":1,"method":"GET","url":"/api/users?id=5&token=hush-query","query":{"id":"5","token":"hush-query"},"params":{},"headers":{"host":"127.0.0.1:39063","connection":"keep-alive","cookie":"session=hush-cookie","authorization":"Bearer hush-auth-token","x-request-id":"r-1","user-agent":"curl/8.0","referer":"https://example.com/?api_key=hush-ref","accept":"*/*","accept-language":"*","sec-fetch-mode":"cors","accept-encoding":"gzip, deflate"},"remoteAddress":"::ffff:127.0.0.1","remotePort":53928},"res":{"statusCode":200,"headers":{"x-powered-by":"Express","content-type":"text/html; charset=utf-8","content-length":"5","etag":"W/\\"5-qvTGHdzF6KLavt4PO0gs2a6pQ00\\""}},"responseTime":22,"msg":"request completed"}';

/** Of express-winston 4.2 with winston 3. */
export const EXPRESS_WINSTON =
  '{"level":"info","message":"HTTP GET /api/users?id=5&token=hush-query","meta":{"req":{"headers":{"accept":"*/*","accept-encoding":"gzip, deflate","accept-language":"*","authorization":"Bearer hush-auth-token","connection":"keep-alive","cookie":"session=hush-cookie","host":"127.0.0.1:38237","referer":"https://example.com/?api_key=hush-ref","sec-fetch-mode":"cors","user-agent":"curl/8.0","x-request-id":"r-1"},"httpVersion":"1.1","method":"GET","originalUrl":"/api/users?id=5&token=hush-query","query":{"id":"5","token":"hush-query"},"url":"/api/users?id=5&token=hush-query"},"res":{"statusCode":200},"responseTime":27},"timestamp":"2026-11-25T22:49:20.978Z"}';

/** https://caddyserver.com/docs/logging#structured-logs, on one line. */
export const CADDY =
  '{"level":"info","ts":1646861401.5241024,"logger":"http.log.access","msg":"handled request","request":{"remote_ip":"127.0.0.1","remote_port":"41342","client_ip":"127.0.0.1","proto":"HTTP/2.0","method":"GET","host":"localhost","uri":"/","headers":{"User-Agent":["curl/7.82.0"],"Accept":["*/*"],"Accept-Encoding":["gzip, deflate, br"]},"tls":{"resumed":false,"version":772,"cipher_suite":4865,"proto":"h2","server_name":"example.com"}},"bytes_read":0,"user_id":"","duration":0.000929675,"size":10900,"status":200,"resp_headers":{"Server":["Caddy"],"Content-Encoding":["gzip"],"Content-Type":["text/html; charset=utf-8"],"Vary":["Accept-Encoding"]}}';

/** In the default JSON format of Istio: https://istio.io/latest/docs/tasks/observability/logs/access-log/ */
export const ENVOY =
  '{"authority":"httpbin:8000","bytes_received":0,"bytes_sent":135,"connection_termination_details":null,"downstream_local_address":"10.0.2.1:80","downstream_remote_address":"10.0.35.28:39058","duration":22,"method":"GET","path":"/status/418?sig=hush","protocol":"HTTP/1.1","request_id":"d209e46f-9ed5-9b61-bbdd-43e22662702a","requested_server_name":null,"response_code":418,"response_code_details":"via_upstream","response_flags":"-","route_name":"default","start_time":"2020-11-25T21:26:18.409Z","upstream_cluster":"inbound|80||","upstream_host":"127.0.0.1:80","upstream_service_time":"4","upstream_transport_failure_reason":null,"user_agent":"curl/7.73.0-DEV","x_forwarded_for":null}';

/** As `log_format … escape=json` with the variables of nginx under their own names; numbers in quotes, as many write them. */
export const NGINX =
  '{"time_iso8601":"2024-05-06T07:08:09+02:00","remote_addr":"2001:db8::1","remote_user":"","request":"GET /a?access_token=hush HTTP/2.0","status":"499","body_bytes_sent":"0","request_time":"1.204","http_referer":"","http_user_agent":"curl/8.0","request_id":"6f1"}';
