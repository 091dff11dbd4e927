import clevertap from 'clevertap-web-sdk';

export const about = {
  component: 'clevertap-web-sdk', family: 'clevertap', package: 'clevertap-web-sdk', purpose: 'advertising',
  hosts: ['eu1.clevertap-prod.com', 'static.clevertap.com'], script: 'https://d2r1yp2w7bby2u.cloudfront.net/js/clevertap.min.js',
  answers: [{ path: /^\/a$/, type: 'text/javascript', body: '$WZRK_WR.s("4c1d7e9a0b3f52864ad1c0e97b35f8d2", 1735689600, false, 1);' }],
};

export function start() {
  clevertap.privacy.push({ optOut: false }, { useIP: true });
  clevertap.init('TEST-4R6-ZZ8-1C7Z', 'eu1');
}

export const identify = ({ email, userId, phone, name }) => {
  clevertap.onUserLogin.push({ Site: { Identity: userId, Email: email, Phone: phone, Name: name } });
};
export const track = (name, properties) => { clevertap.event.push(name, properties ?? {}); };
