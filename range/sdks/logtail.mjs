import { Logtail } from '@logtail/browser';

export const about = {
  component: '@logtail/browser', family: 'logtail', package: '@logtail/browser', purpose: 'analytics',
  hosts: ['in.logs.betterstack.com'], script: 'https://cdnjs.cloudflare.com/ajax/libs/logtail-browser/0.5.9/dist/umd/logtail.min.js',
};

let logger;
let account = {};

export function start() {
  logger = new Logtail('4c1d7e9a0b3f52864ad1c0e9', { batchInterval: 500 });
  logger.info('page ready', { language: navigator.language, userAgent: navigator.userAgent });
}

export function identify(values) {
  account = values;
  logger.info('sign_in', { account });
}

export const track = (name, properties) => { logger.info(name, { account, ...properties }); };
