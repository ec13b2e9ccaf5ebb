import { type Locator } from '@playwright/test';

/** The form that sets a cap, wherever it stands. */
export class CapForm {
  readonly amount: Locator;
  readonly setButton: Locator;
  readonly removeButton: Locator;

  constructor(readonly place: Locator) {
    this.amount = place.getByLabel(/^Spend at most/);
    this.setButton = place.getByRole('button', { name: /^(Set a cap|Change the cap)$/ });
    this.removeButton = place.getByRole('button', { name: 'Remove the cap', exact: true });
  }

  async set(amount: string, effect: 'Refuse new replies' | 'Only warn me' = 'Refuse new replies'): Promise<void> {
    await this.amount.fill(amount);
    await this.place.getByLabel(effect).check();
    await this.setButton.click();
  }
}

/** The same of a key, which always refuses. */
export class KeyCapForm {
  readonly amount: Locator;
  readonly setButton: Locator;
  readonly removeButton: Locator;

  constructor(readonly place: Locator) {
    this.amount = place.getByLabel('May cost at most, in dollars');
    this.setButton = place.getByRole('button', { name: /^(Set a cap|Change the cap)$/ });
    this.removeButton = place.getByRole('button', { name: 'Remove the cap', exact: true });
  }

  async set(amount: string): Promise<void> {
    await this.amount.fill(amount);
    await this.setButton.click();
  }
}
