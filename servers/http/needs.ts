/** What a service of HTTP needs beside folders of what its settings name, for `havre doctor`. Loaded by the supervisor and the command line only. */
import { join } from 'node:path'
import type { Settings } from '../../shared/config/settings.ts'
import type { Need } from '../../shared/need.ts'
import type { HttpOptions } from './options.ts'
import { targetOf } from './routing/path-pattern.ts'
import type { SiteOptions } from './routing/site-options.ts'

const ofRoutes = ({ routes }: SiteOptions, place: string): Need[] =>
  routes.flatMap(({ proxy, auth }, at) => {
    const setting = `${place}routes.${at}`
    const accounts = auth === undefined || auth === 'any' ? [] : auth
    return [
      ...(proxy?.to ?? []).map((url) => {
        const { hostname, port } = new URL(url)
        const host = hostname.replace(/^\[(.*)\]$/, '$1')
        return { kind: 'server', setting: `${setting}.proxy`, host, port: port === '' ? 80 : Number(port) } as const
      }),
      ...accounts.map((name) => ({ kind: 'account', setting: `${setting}.auth`, name }) as const),
    ]
  })

const ofSite = (site: SiteOptions, data: string): Need[] => {
  const [name] = site.hosts
  const place = name === undefined ? '' : `sites.${name}.`
  const root = site.root ?? join(data, 'www')
  const page = (setting: string, path: string): Need => ({
    kind: 'file',
    setting: `${place}${setting}`,
    path: join(root, ...(targetOf(path)?.segments ?? [])),
  })
  return [
    ...(site.fallback === null ? [] : [page('fallback', site.fallback)]),
    ...Object.entries(site.pages).map(([status, path]) => page(`pages.${status}`, path)),
    ...ofRoutes(site, place),
  ]
}

const identityOf = ({ setting: _, ...what }: Need): string => JSON.stringify(what)

/** Each once: what a site takes from the service is told with the service's setting. */
export const needsOf = ({ site, sites }: HttpOptions, { data }: Pick<Settings, 'data'>): readonly Need[] => {
  const found = new Map<string, Need>()
  for (const need of [site, ...sites].flatMap((each) => ofSite(each, data)))
    if (!found.has(identityOf(need))) found.set(identityOf(need), need)
  return [...found.values()]
}
