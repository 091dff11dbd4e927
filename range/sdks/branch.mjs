import branch from 'branch-sdk';

const PRINT = '1287439204672240188';
const OPEN = {
  session_id: '1287439204651183027', identity_id: '1287439204668012995', browser_fingerprint_id: PRINT,
  randomized_bundle_token: '1287439204668012995', randomized_device_token: PRINT,
  link: 'https://range.app.link/?%24identity_id=1287439204668012995', data: '{}', has_app: false,
};

export const about = {
  component: 'branch-sdk', family: 'branch', package: 'branch-sdk', purpose: 'advertising',
  hosts: ['api2.branch.io', 'app.link'], script: 'https://cdn.branch.io/branch-latest.min.js',
  answers: [
    { host: 'app.link', path: /^\/_r/, type: 'text/javascript', body: `branch_callback__0("${PRINT}");` },
    { host: 'api2.branch.io', path: /^\/v1\/(?:open|profile)/, type: 'application/json', body: JSON.stringify(OPEN) },
  ],
};

export function start() {
  return new Promise((resolve) => {
    branch.init('key_live_hcnegAumkH7Kv18M8AOHhfgiohpXq5tB', {}, resolve);
  });
}

export const identify = ({ email, userId, phone, name }) => new Promise((resolve) => {
  branch.setIdentity(userId ?? email, () => branch.logEvent('LOGIN', { email, phone, name }, [], '', resolve));
});
export const track = (name, properties) => branch.logEvent(name, properties);
export const optOut = () => branch.disableTracking(true);
