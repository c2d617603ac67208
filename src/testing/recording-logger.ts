import type { Logger } from '../core/logger.js';

export interface LogLine {
  level: 'debug' | 'info' | 'warn' | 'error';
  object: object;
  message: string | undefined;
}

/** A logger that keeps what it is told. */
export class RecordingLogger implements Logger {
  readonly lines: LogLine[] = [];

  debug(object: object, message?: string): void {
    this.lines.push({ level: 'debug', object, message });
  }

  info(object: object, message?: string): void {
    this.lines.push({ level: 'info', object, message });
  }

  warn(object: object, message?: string): void {
    this.lines.push({ level: 'warn', object, message });
  }

  error(object: object, message?: string): void {
    this.lines.push({ level: 'error', object, message });
  }
}
