import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

export interface Certificate {
  readonly keyFile: string;
  readonly certFile: string;
}

/** A certificate of its own for this machine, for a day, by openssl. */
export function makeCertificate(directory: string, name: string): Certificate {
  const [keyFile, certFile] = [join(directory, `${name}-key.pem`), join(directory, `${name}.pem`)];
  const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1', '-days', '1'];
  const files = ['-newkey', 'rsa:2048', '-nodes', '-keyout', keyFile, '-out', certFile];
  execFileSync('openssl', ['req', '-x509', ...subject, ...files], { stdio: 'ignore' });
  return { keyFile, certFile };
}
