/** One statement about a store or a sink, for any test runner. */
export interface ContractCase {
  readonly name: string;
  /** Why `run` does nothing. */
  readonly skipped?: string | undefined;
  run(): Promise<void>;
}

/** A case that does not hold, with the reason. */
export interface Skip {
  readonly case: string;
  readonly reason: string;
}

/** A statement, and how it is found out. */
export interface Statement<Opened> {
  readonly name: string;
  check(opened: Opened): Promise<void>;
}

export interface Contract<Opened, Each extends Statement<Opened>> {
  readonly statements: readonly Each[];
  /** Why a statement does not apply. */
  missing(statement: Each): string | undefined;
  readonly skip: readonly Skip[] | undefined;
  open(): Promise<Opened & { close?(): Promise<void> }>;
}

/** @throws TypeError when `skip` names a case that does not exist */
export function toContractCases<Opened, Each extends Statement<Opened>>(
  contract: Contract<Opened, Each>,
): ContractCase[] {
  const { statements, missing, skip, open } = contract;
  const reasons = new Map(skip?.map((one) => [one.case, one.reason]));
  for (const name of reasons.keys()) {
    if (!statements.some((one) => one.name === name)) throw new TypeError(`there is no case "${name}" to skip`);
  }
  return statements.map((statement) => {
    const skipped = reasons.get(statement.name) ?? missing(statement);
    const run = async (): Promise<void> => {
      if (skipped !== undefined) return;
      const opened = await open();
      try {
        await statement.check(opened);
      } finally {
        await opened.close?.();
      }
    };
    return { name: statement.name, skipped, run };
  });
}
