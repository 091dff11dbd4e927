import { createInstance } from '@adobe/alloy';

const ORGANISATION = '9A61E4C71C7D5E9A0A495D07@AdobeOrg';
const COOKIE = `kndctr_${ORGANISATION.replace('@', '_')}_identity`;
const VISITOR = '41265092831475016283947561029384756102';
const ACCEPTED = {
  requestId: '1c7d5e9a-0b3f-4286-84ad-1c0e97b35f8d',
  handle: [
    { type: 'identity:result', payload: [{ id: VISITOR, namespace: { code: 'ECID' } }] },
    { type: 'state:store', payload: [{ key: COOKIE, value: btoa(`\n&${VISITOR}`).replaceAll('=', ''), maxAge: 34128000 }] },
  ],
};

export const about = {
  component: '@adobe/alloy', family: 'alloy', package: '@adobe/alloy', purpose: 'advertising',
  hosts: ['edge.adobedc.net', 'adobedc.demdex.net'], script: 'https://cdn1.adoberesources.net/alloy/2.19.2/alloy.min.js',
  answers: [{ path: /\/v1\/(?:interact|identity\/acquire|privacy\/set-consent)$/, type: 'application/json', body: JSON.stringify(ACCEPTED) }],
};

let alloy;
let identityMap;

export async function start() {
  alloy = createInstance({ name: 'alloy' });
  await alloy('configure', {
    datastreamId: '5e9a0b3f-5286-44ad-91c0-e97b35f8d29a', orgId: ORGANISATION,
    context: ['web', 'device', 'environment', 'placeContext', 'highEntropyUserAgentHints'],
  });
  alloy('sendEvent', { renderDecisions: true, xdm: { eventType: 'web.webpagedetails.pageViews' } });
}

const send = (xdm) => { alloy('sendEvent', { xdm: { ...xdm, ...(identityMap && { identityMap }) } }); };

export function identify({ email, userId, phone, name }) {
  identityMap = Object.fromEntries(Object.entries({ CRMID: userId, Email: email, Phone: phone })
    .filter(([, id]) => id).map(([space, id]) => [space, [{ id, authenticatedState: 'authenticated', primary: space === 'CRMID' }]]));
  send({ eventType: 'userAccount.login', _range: { name } });
}

export const track = (name, properties) => send({ eventType: name, _range: properties });
export const optOut = () => alloy('setConsent', { consent: [{ standard: 'Adobe', version: '1.0', value: { general: 'out' } }] });
