declare module 'parse-prometheus-text-format' {
  function parse(text: string): readonly unknown[];
  export = parse;
}
