import { Module, type DynamicModule } from '@nestjs/common';
import { CampaignsController } from './admin/campaigns.controller.js';
import { DeadLettersController } from './admin/dead-letters.controller.js';
import { OperationsController } from './admin/operations.controller.js';
import { PoliciesController } from './admin/policies.controller.js';
import { ViewsController } from './admin/views.controller.js';
import { DecisionsController } from './decide/decisions.controller.js';
import type { GatewayDeps } from './deps.js';
import { GatewayServices } from './services.js';

/** The gateway's controllers. `createGateway` adds the routes that do not go through Nest. */
@Module({})
export class GatewayModule {
  static forRoot(deps: GatewayDeps): DynamicModule {
    return {
      module: GatewayModule,
      controllers: [
        DecisionsController,
        ViewsController,
        CampaignsController,
        DeadLettersController,
        PoliciesController,
        OperationsController,
      ],
      providers: [{ provide: GatewayServices, useValue: new GatewayServices(deps) }],
      exports: [GatewayServices],
    };
  }
}
