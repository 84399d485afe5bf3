/** What a check of `havre doctor` is, what it looks at, and what it finds. */
import type { Configuration, ConfiguredService } from '../../shared/config/settings.ts'
import type { Seen, ServiceStatus } from '../supervisor-status.ts'

/** `hint`: good to know, nothing is wrong; `warning`: will be wrong one day, or for some; `problem`: is wrong now. */
export type Severity = 'ok' | 'hint' | 'warning' | 'problem'

/** One thing that a check found. */
export interface Finding {
  readonly severity: Severity
  /** What it is about, where that is one service. */
  readonly service: string | null
  readonly message: string
  /** What to do about it; several lines are commands and their explanations. */
  readonly suggestion: string | null
}

/** What checks look at. */
export interface Patient {
  readonly configuration: Configuration
  /** The services to look at: those that are switched on, or the one that was asked for. */
  readonly services: readonly ConfiguredService[]
  readonly seen: Seen
  readonly nowMs: number
}

/** A check. It changes nothing that it looks at. What it throws is a finding too: it could not be made. */
export interface Check {
  readonly name: string
  /** Whether it says something of a single service. */
  readonly ofServices: boolean
  look(patient: Patient): Promise<readonly Finding[]>
}

export const ok = (message: string, service: string | null = null): Finding => ({
  severity: 'ok',
  service,
  message,
  suggestion: null,
})

export const found = (
  severity: Exclude<Severity, 'ok'>,
  message: string,
  suggestion: string | null,
  service: string | null = null,
): Finding => ({ severity, service, message, suggestion })

/** A service as the supervisor tells it, or null where none runs, or it is not among its services. */
export const statusOf = ({ seen }: Patient, name: string): ServiceStatus | null =>
  seen.kind === 'running' ? (seen.status.services.find((service) => service.name === name) ?? null) : null

/** Where a service is, or would be, reached. */
export const placeOf = (patient: Patient, service: ConfiguredService): { readonly host: string; readonly port: number } =>
  statusOf(patient, service.name) ?? service

/** The code of a system's error, or empty. */
export const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')
