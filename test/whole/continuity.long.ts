import { killUnderLoad, reloadUnderLoad, services, useVisited } from './visitors.ts'

const rounds = 20

describe('the whole: nobody is refused, for long', function () {
  this.timeout(600_000)
  const setting = useVisited()

  it(`${rounds} reloads that replace every child fail no request, no conversation, no transfer`, () =>
    reloadUnderLoad(setting(), rounds))

  for (const service of services) {
    it(`${rounds} kills of ${service} lose no connection that the killed child had not taken`, () =>
      killUnderLoad(setting(), service, rounds))
  }
})
