import { type Check, found, ok } from './check.ts'

/** Settings that are set and do nothing. */
export const settings: Check = {
  name: 'settings',
  ofServices: false,
  look: async ({ configuration: { idleSettings } }) =>
    idleSettings.length === 0
      ? [ok('every setting that is set does something')]
      : idleSettings.map((name) =>
          found('hint', `the setting ${name} does nothing yet`, 'Take it out, or wait for a version that knows it'),
        ),
}
