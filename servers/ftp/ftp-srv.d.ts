/** What the adapter uses of the inner files of ftp-srv 4.6.3, which come without types. */

declare module 'ftp-srv/src/commands/registry.js' {
  /** By the name of the command. All of ftp-srv's sessions in a process share it. */
  const registry: Record<string, { directive: string | string[]; handler?: unknown; flags?: { no_auth?: boolean } }>
  export default registry
}

declare module 'ftp-srv/src/connection.js' {
  const connection: { readonly prototype: { reply: (code: number, letter: { message: string }) => PromiseLike<unknown> } }
  export default connection
}

declare module 'ftp-srv/src/commands/index.js' {
  const commands: { readonly prototype: { handle: (command: object) => PromiseLike<unknown> } }
  export default commands
}
