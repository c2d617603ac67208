import type { Account, AccountType } from './records.js';
import { Repository, type RepositoryOptions } from './repository.js';

/** Everything that exists on the server, and the only place where ids are given out. */
export class World {
  readonly now: () => number;
  readonly #accounts = new Map<string, Account>();
  readonly #repositories = new Map<number, Repository>();
  /** Names that were given up, and whose they were. */
  readonly #formerNames = new Map<string, number>();
  #lastId = 1_000_000;

  /** `now` gives the server's time in milliseconds. */
  constructor(now: () => number) {
    this.now = now;
  }

  nextId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  get accounts(): readonly Account[] {
    return [...this.#accounts.values()];
  }

  get repositories(): readonly Repository[] {
    return [...this.#repositories.values()];
  }

  findAccount(login: string): Account | undefined {
    return this.#accounts.get(login.toLowerCase());
  }

  /** The account of this name, made if there is none. */
  account(login: string, type: AccountType = 'User'): Account {
    const found = this.findAccount(login);
    if (found !== undefined) return found;
    const account: Account = { id: this.nextId(), login, type };
    this.#accounts.set(login.toLowerCase(), account);
    return account;
  }

  /** The repository that has this name now, made if none has. A former name may be given anew. */
  repository(fullName: string, options: RepositoryOptions = {}): Repository {
    const found = this.#byName(fullName);
    if (found !== undefined) return found;
    const [login, name] = splitName(fullName);
    const owner = this.account(login, options.ownerType ?? 'Organization');
    const repository = new Repository(this, this.nextId(), owner, name, options);
    this.#repositories.set(repository.id, repository);
    this.#formerNames.delete(fullName.toLowerCase());
    return repository;
  }

  /** By current name, else by former name: then the caller answers with a redirect. */
  find(fullName: string): { repository: Repository; isFormerName: boolean } | undefined {
    const current = this.#byName(fullName);
    if (current !== undefined) return { repository: current, isFormerName: false };
    const former = this.#formerNames.get(fullName.toLowerCase());
    const repository = former === undefined ? undefined : this.findById(former);
    return repository && { repository, isFormerName: true };
  }

  findById(id: number): Repository | undefined {
    return this.#repositories.get(id);
  }

  /** Called by the repository before its name changes. */
  leaveName(repository: Repository): void {
    this.#formerNames.set(repository.fullName.toLowerCase(), repository.id);
  }

  forget(repository: Repository): void {
    this.#repositories.delete(repository.id);
  }

  #byName(fullName: string): Repository | undefined {
    const wanted = fullName.toLowerCase();
    return this.repositories.find((repository) => repository.fullName.toLowerCase() === wanted);
  }
}

function splitName(fullName: string): [string, string] {
  const [login, name, ...rest] = fullName.split('/');
  if (!login || !name || rest.length > 0) throw new Error(`'${fullName}' is not of the form owner/name`);
  return [login, name];
}
