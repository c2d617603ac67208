/** A text as the endpoint of a service with many labels has it. */
export function metricsText(lines: number): string {
  const text: string[] = ['# HELP requests_total Requests.', '# TYPE requests_total counter'];
  for (let at = 0; at < lines; at += 1) {
    text.push(`requests_total{method="GET",path="/api/v1/items/${at}",code="${200 + (at % 5)}"} ${at * 1.5}`);
  }
  return `${text.join('\n')}\n`;
}
