// openid-client: discovery, client credentials, validation of the JWT, refresh with rotation.
import assert from 'node:assert/strict'
import * as client from 'openid-client'
import { createRemoteJWKSet, jwtVerify } from 'jose'

const { ISSUER, CLIENT_ID, CLIENT_SECRET, REFRESH_TOKEN, AUDIENCE } = process.env
const insecure = { execute: [client.allowInsecureRequests] }

for (const authentication of [client.ClientSecretBasic, client.ClientSecretPost]) {
  const config = await client.discovery(new URL(ISSUER), CLIENT_ID, undefined, authentication(CLIENT_SECRET), insecure)
  assert.equal(config.serverMetadata().issuer, ISSUER)
  console.log('discovery')

  const token = await client.clientCredentialsGrant(config, { scope: 'orders.read' })
  assert.equal(token.token_type, 'bearer')
  console.log('token', authentication.name)

  const keys = createRemoteJWKSet(new URL(config.serverMetadata().jwks_uri))
  const verified = await jwtVerify(token.access_token, keys, { issuer: ISSUER, audience: AUDIENCE, typ: 'at+jwt' })
  assert.equal(verified.payload.client_id, CLIENT_ID)
  console.log('validation')
}

const config = await client.discovery(new URL(ISSUER), CLIENT_ID, CLIENT_SECRET, undefined, insecure)
const refreshed = await client.refreshTokenGrant(config, REFRESH_TOKEN)
assert.notEqual(refreshed.refresh_token, REFRESH_TOKEN, 'it rotates')
const again = await client.refreshTokenGrant(config, refreshed.refresh_token)
assert.notEqual(again.access_token, refreshed.access_token)
await assert.rejects(client.refreshTokenGrant(config, 'tlrt_neverIssued'), { error: 'invalid_grant' })
console.log('refresh')
