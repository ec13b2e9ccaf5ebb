import { AppPage } from './app_page';

export class HomePage extends AppPage {
  async open(): Promise<void> {
    await this.openPath('/');
  }
}
