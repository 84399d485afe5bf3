/** The table of `docs/limits.md`, made from the table of limits. */
import { type Limit, type LimitedService, limits } from '../../shared/limits/limits.ts'

const services: readonly LimitedService[] = ['http', 'ftp', 'smtp', 'submission', 'pop3']

/** `5m; pop3 10m`: what most have, then those that differ; what none has is not told. */
const summed = (values: Readonly<Partial<Record<LimitedService, unknown>>>): string => {
  const own = services.flatMap((service) => (Object.hasOwn(values, service) ? [{ service, text: String(values[service]) }] : []))
  if (own.length < services.length || new Set(own.map(({ text }) => text)).size > 1) {
    const byText = Map.groupBy(own, ({ text }) => text)
    return [...byText].map(([text, all]) => `${all.map(({ service }) => service).join(', ')}: ${text}`).join('; ')
  }
  return own[0]?.text ?? ''
}

export const limitsTable = (): string => {
  const all: readonly (readonly [string, Limit])[] = Object.entries(limits)
  const rows = all.map(([name, { setting, unit, description, defaults, told, source }]) =>
    [`\`${name}\``, `\`${setting}\``, description, summed(defaults), unit, summed(told), source ?? ''].join(' | '),
  )
  return [
    '| Name | Setting | What it bounds | Default | Unit | At the limit | Source |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => `| ${row} |`),
  ].join('\n')
}
