import type { FilesystemEvent } from 'headwater/sources/filesystem';
import * as z from 'zod';

/** A line of a file as the application understands it. The columns may be in any order, others may be there too. */
const product = z.object({
  url: z.url(),
  name: z.string().trim().min(1),
  // As people write numbers in their spreadsheets.
  price: z
    .string()
    .transform((text) => Number(text.replace(',', '.')))
    .pipe(z.number().nonnegative()),
  quantity: z.coerce.number().int().nonnegative(),
});

export type Product = z.output<typeof product>;

/** What is stored for an event: a product, what is wrong with its line, or that a version of a file begins. */
export type Row =
  | { product: Product }
  | { problem: { file: string; line: number | null; message: string } }
  | { begins: string };

/** The same event makes the same row, whenever it comes: that is what exactly once rests on. */
export function toRow(event: FilesystemEvent): Row | undefined {
  if (event.type === 'file.created' || event.type === 'file.modified') return { begins: event.data.path };
  if (event.type === 'file.error') {
    const { path, line, message } = event.data;
    return { problem: { file: path, line: line ?? null, message } };
  }
  if (event.type !== 'file.record') return undefined;
  const { path, line, record } = event.data;
  const result = product.safeParse(record);
  if (result.success) return { product: result.data };
  const message = result.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ');
  return { problem: { file: path, line: line ?? null, message } };
}
