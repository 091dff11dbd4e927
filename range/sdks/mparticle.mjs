import mParticle from '@mparticle/web-sdk';

const IDENTITY = { context: null, matched_identities: {}, is_ephemeral: false, mpid: '7420918365501273946', is_logged_in: false };

export const about = {
  component: '@mparticle/web-sdk', family: 'mparticle', package: '@mparticle/web-sdk', purpose: 'advertising',
  hosts: ['jssdkcdns.mparticle.com', 'identity.mparticle.com', 'jssdks.mparticle.com'],
  script: 'https://jssdkcdns.mparticle.com/js/v2/range/mparticle.js',
  answers: [{
    host: 'identity.mparticle.com', path: /\/(?:identify|login|logout|modify)$/, type: 'application/json', body: JSON.stringify(IDENTITY),
  }],
};

export function start() {
  return new Promise((resolve) => {
    mParticle.init('us1-5d0c7a92b4e31f86a9c0d7e2b5f81364', {
      isDevelopmentMode: false, requestConfig: false, eventsFlushIntervalMs: 500, flags: { eventBatchingIntervalMillis: '500' },
    });
    mParticle.ready(resolve);
  });
}

export function identify({ email, userId, phone, name }) {
  const userIdentities = { ...(userId && { customerid: userId }), ...(email && { email }), ...(phone && { mobile_number: phone }) };
  return new Promise((resolve) => {
    mParticle.Identity.login({ userIdentities }, (result) => {
      if (name) result.getUser?.()?.setUserAttribute('$FirstName', name);
      resolve();
    });
  });
}

export const track = (name, properties) => mParticle.logEvent(name, mParticle.EventType.Other, properties);
export const optOut = () => mParticle.setOptOut(true);
