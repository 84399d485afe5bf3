/** The settings that a service of HTTP and each of its sites have. Loaded by the supervisor and the command line only. */
import { z } from 'zod'
import type { KeyFiles } from '../../../shared/config/settings.ts'
import { path } from '../../../shared/config/units.ts'
import { hostPattern, sitePath } from './path-options.ts'
import { cors, routes, rules } from './route-options.ts'

const hidePattern = z
  .string()
  .min(1)
  .regex(/^[^/]+$/, { error: 'must be a pattern for names, such as *.bak' })

/** Of the default site; a further one has what it does not say itself from here. */
export const siteFields = {
  root: path().nullable().default(null).meta({ description: 'The folder of the site; null: www in the data folder.' }),
  routes: routes().default([]).meta({
    description: 'What answers a path other than the files of the site. The first match wins.',
  }),
  listing: z.boolean().default(true).meta({
    description: 'Whether a folder without index.html is shown as a list of its files; else 403.',
    source: 'RFC 9110 §15.5.4',
  }),
  cleanUrls: z.boolean().default(false).meta({
    description: 'Whether /about is about.html; /about.html and /x/index.html lead to the shorter address.',
  }),
  fallback: sitePath().nullable().default(null).meta({
    description: 'What answers for pages that do not exist: the one page of an application that looks at the address itself.',
  }),
  compress: z.boolean().default(true).meta({
    description: 'Whether text is compressed for clients that take it; ready-made .br, .zst and .gz files are always used.',
  }),
  hide: z.array(hidePattern).default([]).meta({
    description: 'Names that are never served or listed, as patterns; those with a dot in front never are.',
  }),
  pages: z
    .record(z.string().regex(/^[45]\d\d$/, { error: 'must be a status such as 404' }), sitePath())
    .default({})
    .meta({ description: 'Own pages for errors: by the status, a path of the site.' }),
  rules: rules().default([]).meta({
    description: 'What answers say beside their content; all rules that match add up, later ones win.',
  }),
  cors: cors().default(null).meta({
    description: 'Which pages of other origins may read answers; null: none.',
    source: 'Fetch §3.3',
  }),
} as const

/** The same of a further site: nothing is said unless it is there. */
const site = z
  .strictObject({
    root: siteFields.root.unwrap().optional().meta({ description: 'The folder of the site.' }),
    routes: siteFields.routes.unwrap().optional().meta({ description: 'Routes of this site.' }),
    listing: siteFields.listing.unwrap().optional().meta({ description: 'As `listing` of the service.' }),
    cleanUrls: siteFields.cleanUrls.unwrap().optional().meta({ description: 'As `cleanUrls` of the service.' }),
    fallback: siteFields.fallback.unwrap().optional().meta({ description: 'As `fallback` of the service.' }),
    compress: siteFields.compress.unwrap().optional().meta({ description: 'As `compress` of the service.' }),
    hide: siteFields.hide.unwrap().optional().meta({ description: 'As `hide` of the service.' }),
    pages: siteFields.pages.unwrap().optional().meta({ description: 'As `pages` of the service.' }),
    rules: siteFields.rules.unwrap().optional().meta({ description: 'As `rules` of the service.' }),
    cors: siteFields.cors.unwrap().optional().meta({ description: 'As `cors` of the service.' }),
    aliases: z.array(hostPattern()).default([]).meta({ description: 'Further names of the site.' }),
    certificate: path().optional().meta({ description: 'PEM file with the certificate of the site and its chain.' }),
    key: path().optional().meta({ description: 'PEM file with its private key.' }),
  })
  .refine(({ certificate, key }) => (certificate === undefined) === (key === undefined), {
    error: 'must have both of certificate and key, or none',
  })

/** The further sites, by their names. */
export const sites = () =>
  z.record(hostPattern(), site).superRefine((value, context) => {
    const seen = new Set<string>(Object.keys(value))
    for (const [name, { aliases }] of Object.entries(value)) {
      for (const [at, alias] of aliases.entries()) {
        if (seen.has(alias))
          context.addIssue({ code: 'custom', path: [name, 'aliases', at], message: `is another name of a site already: ${alias}` })
        seen.add(alias)
      }
    }
  })

type Fields = { readonly [Name in keyof typeof siteFields]: z.output<(typeof siteFields)[Name]> }
type RawSite = z.output<typeof site>

/** What a site goes by: the default one, or a further one with all that it takes from it. */
export interface SiteOptions extends Fields {
  /** Names that it goes by, lower case; `*.x.test` stands for one label or more. Empty: the default site, which has all others. */
  readonly hosts: readonly string[]
  /** Its own certificate; null: that of the service. */
  readonly keyFiles: KeyFiles | null
}

/** The default site. */
export const defaultSite = (fields: Fields): SiteOptions => ({ ...pick(fields), hosts: [], keyFiles: null })

const pick = ({ root, routes, listing, cleanUrls, fallback, compress, hide, pages, rules, cors }: Fields): Fields => ({
  root,
  routes,
  listing,
  cleanUrls,
  fallback,
  compress,
  hide,
  pages,
  rules,
  cors,
})

/** A further site, with what it does not say taken from the default one. */
export const furtherSite = (name: string, raw: RawSite, standard: Fields): SiteOptions => {
  const { aliases, certificate, key, ...own } = raw
  const said = Object.fromEntries(Object.entries(own).filter(([, value]) => value !== undefined))
  return {
    ...pick({ ...standard, ...said }),
    hosts: [name, ...aliases],
    keyFiles: certificate === undefined || key === undefined ? null : { certificate, key, setting: `sites.${name}` },
  }
}
