/** What a service needs and `havre doctor` looks for. `setting` is the one that names it, within those of the service: `routes.0.files`. */
export type Need = { readonly setting: string } & (
  | { readonly kind: 'folder' | 'file'; readonly path: string }
  | { readonly kind: 'server'; readonly host: string; readonly port: number }
  | { readonly kind: 'account'; readonly name: string }
)
