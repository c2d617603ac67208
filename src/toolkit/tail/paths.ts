/** The directory that a path with `/` between its parts is in; '' where it has one part. */
export function parentOf(path: string): string {
  const at = path.lastIndexOf('/');
  if (at === 0) return '/';
  return at === -1 ? '' : path.slice(0, at);
}

export function pathIn(directory: string, name: string): string {
  if (directory === '' || name.startsWith('/')) return name;
  return directory === '/' ? `/${name}` : `${directory}/${name}`;
}
