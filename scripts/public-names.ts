import ts from 'typescript';
import { listEntries, repositoryRoot } from './entries.js';

/** What an entry exports: values (classes, functions, constants) and names that only exist as types. */
export interface PublicNames {
  readonly values: readonly string[];
  readonly types: readonly string[];
}

export const SNAPSHOT_FILE = 'test/architecture/api.json';

/** The public names by entry, as TypeScript sees them in the sources. */
export function readPublicNames(): Record<string, PublicNames> {
  const entries = listEntries();
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.NodeNext,
    types: [],
    noLib: true,
  };
  const program = ts.createProgram(
    entries.map((entry) => `${repositoryRoot}/${entry.input}`),
    options,
  );
  const checker = program.getTypeChecker();
  return Object.fromEntries(
    entries.map(({ specifier, input }) => {
      const file = program.getSourceFile(`${repositoryRoot}/${input}`);
      const module = file && checker.getSymbolAtLocation(file);
      if (module === undefined) throw new Error(`${input} exports nothing.`);
      return [specifier, namesOf(checker, checker.getExportsOfModule(module))];
    }),
  );
}

function namesOf(checker: ts.TypeChecker, symbols: readonly ts.Symbol[]): PublicNames {
  const values: string[] = [];
  const types: string[] = [];
  for (const symbol of symbols) (isValue(checker, symbol) ? values : types).push(symbol.name);
  return { values: values.sort(), types: types.sort() };
}

function isValue(checker: ts.TypeChecker, symbol: ts.Symbol): boolean {
  if (symbol.declarations?.some(ts.isTypeOnlyImportOrExportDeclaration)) return false;
  const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  return (target.flags & ts.SymbolFlags.Value) !== 0;
}
